package io.layerstore.driver;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts what is in the way of the store out of the way: a file or link where a directory must be, a
 * directory where a file must be. Nothing is deleted; it gets the name {@code NAME.damaged-1}, or
 * one with the next number that is free.
 *
 * <p>For use by one process at a time, which holds the lock on the store.
 */
public final class DamagedFiles {

  private static final Logger log = LoggerFactory.getLogger(DamagedFiles.class);

  private DamagedFiles() {}

  /**
   * Moves {@code path} aside.
   *
   * @return where it is now
   */
  public static Path moveAside(Path path) throws IOException {
    for (int i = 1; ; i++) {
      Path aside = path.resolveSibling(path.getFileName() + ".damaged-" + i);
      if (!Files.exists(aside, NOFOLLOW_LINKS)) {
        Files.move(path, aside, StandardCopyOption.ATOMIC_MOVE);
        log.warn("{} had the wrong type; it was moved to {}", path, aside);
        return aside;
      }
    }
  }

  /** Whether there is something at {@code path} that is no directory; a link is none. */
  public static boolean isObstructed(Path path) {
    return Files.exists(path, NOFOLLOW_LINKS) && !Files.isDirectory(path, NOFOLLOW_LINKS);
  }

  /**
   * Moves aside what is no directory of {@code directory} and those above it up to {@code top},
   * which itself is not looked at.
   *
   * @param directory {@code top} or below it
   */
  public static void clearWay(Path top, Path directory) throws IOException {
    for (Path path : obstacles(top, directory)) {
      moveAside(path);
    }
  }

  /** What is in the way of {@code directory} below {@code top}; nothing or one. */
  public static List<Path> obstacles(Path top, Path directory) {
    List<Path> found = new ArrayList<>();
    Path path = top;
    for (Path name : top.relativize(directory)) {
      path = path.resolve(name);
      if (isObstructed(path)) {
        found.add(path);
        // Whatever is below is not there, or not ours.
        break;
      }
    }
    return found;
  }
}
