package io.layerstore.driver;

import io.layerstore.Durability;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A directory for the temporary files of one operation, which only its owner can enter.
 *
 * <p>It goes with {@link #close}; what a process that is gone has left, or could not be deleted, is
 * found by {@link #sweep}. Not safe for use by many threads.
 */
public final class TemporaryDirectory implements Closeable {

  private static final Logger log = LoggerFactory.getLogger(TemporaryDirectory.class);

  private static final String PREFIX = "layerstore-";
  private static final int MODE = 0700;
  private static final Set<Path> IN_HAND = ConcurrentHashMap.newKeySet();

  private final Path place;
  private @Nullable Path made;

  /** One in {@code place}; both are made when the first file is. */
  public TemporaryDirectory(Path place) {
    this.place = place;
  }

  /** A path for the file {@code name} in it. */
  public Path file(String name) throws IOException {
    Path directory = made;
    if (directory == null) {
      directory = create(place);
      made = directory;
    }
    return directory.resolve(name);
  }

  private static Path create(Path place) throws IOException {
    AtomicFiles.createDirectories(place, MODE, Durability.NONE);
    while (true) {
      Path path =
          place.resolve(PREFIX + Long.toUnsignedString(ThreadLocalRandom.current().nextLong()));
      if (IN_HAND.add(path.toAbsolutePath())) {
        try {
          AtomicFiles.createDirectory(path, MODE);
          return path;
        } catch (FileAlreadyExistsException e) {
          letGo(path);
        } catch (IOException | RuntimeException e) {
          letGo(path);
          throw e;
        }
      }
    }
  }

  private static void letGo(Path path) {
    IN_HAND.remove(path.toAbsolutePath());
  }

  /**
   * Deletes it with everything in it. Never fails: the operation is done, whether or not its
   * temporary files can be deleted now.
   */
  @Override
  public void close() {
    Path directory = made;
    made = null;
    if (directory == null) {
      return;
    }
    try {
      TreeDeleter.delete(directory);
    } catch (IOException e) {
      log.warn("{} stays until the next cleanup or open", directory, e);
    } finally {
      letGo(directory);
    }
  }

  /**
   * Deletes what was left in {@code place}, which no other process uses; nothing of what this one
   * has in hand.
   *
   * @return the names of what was deleted; none if there is no such directory
   * @throws IOException if it cannot be listed, or something cannot be deleted
   */
  public static List<String> sweep(Path place) throws IOException {
    List<String> swept = new ArrayList<>();
    if (!Files.isDirectory(place)) {
      return swept;
    }
    try (DirectoryStream<Path> leftovers = Files.newDirectoryStream(place, PREFIX + "*")) {
      for (Path leftover : leftovers) {
        if (!IN_HAND.contains(leftover.toAbsolutePath())
            && Files.isDirectory(leftover, LinkOption.NOFOLLOW_LINKS)) {
          TreeDeleter.delete(leftover);
          swept.add(String.valueOf(leftover.getFileName()));
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return swept;
  }
}
