package io.layerstore.driver;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;

/**
 * The files that {@link AtomicFiles#write} makes beside those it writes, and what a process that is
 * gone has left of them.
 *
 * <p>They are called {@code .tmp-NAME} and some digits, as Docker's are, so that what either leaves
 * is found by the other's cleaning. One that this process is writing is in hand, and is never taken
 * for a leftover; only one process writes a store. Safe for use by many threads.
 */
public final class TemporaryFiles {

  private static final String PREFIX = ".tmp-";
  private static final Pattern NAME = Pattern.compile("\\.tmp-.*[0-9]");
  private static final Set<Path> IN_HAND = ConcurrentHashMap.newKeySet();

  private TemporaryFiles() {}

  /** A path beside {@code file}, different at each call; in hand until it is let go. */
  static Path take(Path file) {
    while (true) {
      Path aside =
          file.resolveSibling(
              PREFIX
                  + file.getFileName()
                  + Long.toUnsignedString(ThreadLocalRandom.current().nextLong()));
      if (IN_HAND.add(aside.toAbsolutePath())) {
        return aside;
      }
    }
  }

  static void letGo(Path aside) {
    IN_HAND.remove(aside.toAbsolutePath());
  }

  /** Whether a file of this name can only be a temporary one. */
  public static boolean isName(String name) {
    return NAME.matcher(name).matches();
  }

  /**
   * Deletes what was left in {@code directory}: regular files, not what is in hand. Directories
   * below are not looked at.
   *
   * @return the names of what was deleted; none if there is no such directory
   * @throws IOException if it cannot be listed, or something cannot be deleted
   */
  public static List<String> sweep(Path directory) throws IOException {
    List<String> swept = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, PREFIX + "*")) {
      for (Path entry : entries) {
        if (sweepFile(entry)) {
          swept.add(String.valueOf(entry.getFileName()));
        }
      }
    } catch (NoSuchFileException | NotDirectoryException e) {
      return swept;
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return swept;
  }

  /** Deletes {@code file} if it is a leftover; for those who have listed the directory already. */
  private static boolean sweepFile(Path file) throws IOException {
    return isName(String.valueOf(file.getFileName()))
        && !IN_HAND.contains(file.toAbsolutePath())
        && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
        && Files.deleteIfExists(file);
  }
}
