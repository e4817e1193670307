package io.layerstore.core.layerdb;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.file.LinkOption.NOFOLLOW_LINKS;

import io.layerstore.Durability;
import io.layerstore.StoreCorruptedException;
import io.layerstore.driver.AtomicFiles;
import io.layerstore.driver.Closing;
import io.layerstore.driver.DamagedFiles;
import io.layerstore.driver.TreeDeleter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * How the layer database reads and writes: bounded, never through a link, and as durable as the
 * store was asked to be.
 */
final class LayerDbFiles {

  /** Far above what any value needs; a larger file is not one. */
  private static final int MAX_VALUE_BYTES = 4096;

  private final Durability durability;

  /** Whether forcing what was changed last forces all names; null until that was looked at. */
  private volatile @Nullable Boolean isOrdered;

  LayerDbFiles(Durability durability) {
    this.durability = durability;
  }

  /**
   * The value in a small file, as it is.
   *
   * @throws NoSuchFileException if there is none
   * @throws StoreCorruptedException if it is not a regular file, or too large
   */
  static String readValue(Path file) throws IOException {
    // One char per byte, so that what is not ASCII stays visible to whoever checks the form.
    return new String(AtomicFiles.read(file, MAX_VALUE_BYTES), StandardCharsets.ISO_8859_1);
  }

  /** The value in a small file without white space around it, as Docker reads most of them. */
  static String readTrimmed(Path file) throws IOException {
    return trim(readValue(file));
  }

  /** The same, but null if there is no such file. */
  static @Nullable String readTrimmedIfExists(Path file) throws IOException {
    byte @Nullable [] value = AtomicFiles.readIfExists(file, MAX_VALUE_BYTES);
    return value == null ? null : trim(new String(value, StandardCharsets.ISO_8859_1));
  }

  private static String trim(String value) {
    int start = 0;
    int end = value.length();
    while (start < end && isSpace(value.charAt(start))) {
      start++;
    }
    while (end > start && isSpace(value.charAt(end - 1))) {
      end--;
    }
    return value.substring(start, end);
  }

  /** White space in ASCII as Go's {@code strings.TrimSpace} sees it, which is not quite Java's. */
  private static boolean isSpace(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
  }

  /** Whether there is a real directory; false also for a symbolic link to one. */
  static boolean isDirectory(Path path) throws IOException {
    try {
      return Files.readAttributes(path, BasicFileAttributes.class, NOFOLLOW_LINKS).isDirectory();
    } catch (NoSuchFileException e) {
      return false;
    } catch (FileSystemException e) {
      requireBelowFile(path, e);
      return false;
    }
  }

  /** Whether there is anything of that name, be it a link that leads nowhere. */
  static boolean exists(Path path) throws IOException {
    try {
      Files.readAttributes(path, BasicFileAttributes.class, NOFOLLOW_LINKS);
      return true;
    } catch (NoSuchFileException e) {
      return false;
    } catch (FileSystemException e) {
      requireBelowFile(path, e);
      return false;
    }
  }

  /** Throws {@code failure} unless its reason is that what is above {@code path} is a file. */
  private static void requireBelowFile(Path path, FileSystemException failure)
      throws FileSystemException {
    if (!DamagedFiles.isObstructed(parentOf(path))) {
      throw failure;
    }
  }

  /**
   * The names in {@code directory} that pass {@code filter}, of whatever type, sorted; none if
   * there is no such directory.
   */
  static List<String> names(Path directory, Predicate<String> filter) throws IOException {
    List<String> names = new ArrayList<>();
    if (!isDirectory(directory)) {
      return names;
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        String name = String.valueOf(entry.getFileName());
        if (filter.test(name)) {
          names.add(name);
        }
      }
    } catch (NoSuchFileException e) {
      // It went between the two looks: a root that a daemon uses.
      return names;
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    names.sort(null);
    return names;
  }

  /**
   * The names of the real directories in {@code directory} whose names pass {@code filter}, sorted;
   * none if it does not exist.
   *
   * @throws StoreCorruptedException if it is not a directory
   */
  static List<String> directories(Path directory, Predicate<String> filter) throws IOException {
    if (exists(directory) && !isDirectory(directory)) {
      throw new StoreCorruptedException(directory.toString(), "not a directory");
    }
    List<String> directories = new ArrayList<>();
    for (String name : names(directory, filter)) {
      if (isDirectory(directory.resolve(name))) {
        directories.add(name);
      }
    }
    return directories;
  }

  /** Writes a value that is ASCII into a directory that is not visible yet. */
  void writeValue(Path file, String value) throws IOException {
    writeContent(file, value.getBytes(US_ASCII), true);
  }

  /** Writes a value that is ASCII over another, in one step. */
  void replaceValue(Path file, String value) throws IOException {
    AtomicFiles.write(file, value.getBytes(US_ASCII), LayerDbLayout.FILE_MODE, durability);
  }

  /**
   * Writes a file into a directory that is not visible yet.
   *
   * @param isForced whether it is to be as durable as the store; else somebody sees to that later
   */
  void writeContent(Path file, byte[] content, boolean isForced) throws IOException {
    AtomicFiles.writeNew(
        file, content, LayerDbLayout.FILE_MODE, isForced ? durability : Durability.NONE);
  }

  /**
   * Makes one of the directories that are made when they are first needed; what is no directory is
   * moved out of the way.
   */
  void ensureDirectory(Path directory, int mode) throws IOException {
    if (DamagedFiles.isObstructed(directory)) {
      DamagedFiles.moveAside(directory);
    }
    AtomicFiles.createDirectories(directory, mode, durability);
  }

  /** Forces a file, or the names in a directory, to the disk, if the store is to be durable. */
  void sync(Path directory) throws IOException {
    if (durability != Durability.NONE) {
      AtomicFiles.syncDirectory(directory);
    }
  }

  /**
   * Forces the names in a directory, if they have not been forced with what was forced after they
   * were changed.
   */
  void syncUnlessOrdered(Path directory) throws IOException {
    if (durability != Durability.NONE && !isOrdered(directory)) {
      AtomicFiles.syncDirectory(directory);
    }
  }

  private boolean isOrdered(Path directory) {
    Boolean known = isOrdered;
    if (known == null) {
      known = AtomicFiles.forcesNamesInOrder(directory);
      isOrdered = known;
    }
    return known;
  }

  boolean isDurable() {
    return durability != Durability.NONE;
  }

  /**
   * Deletes a directory with everything in it, and the file {@code last} after everything else: as
   * long as there is anything, it says what belongs to it. If there is no such directory, does
   * nothing.
   */
  static void deleteKeeping(String last, Path directory) throws IOException {
    if (isDirectory(directory)) {
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
        for (Path entry : entries) {
          if (!String.valueOf(entry.getFileName()).equals(last)) {
            TreeDeleter.delete(entry);
          }
        }
      } catch (DirectoryIteratorException e) {
        throw e.getCause();
      }
    }
    TreeDeleter.delete(directory);
  }

  /**
   * Renames a directory in one step, and forces to the disk that it has the new name and no longer
   * the old one. After a failure it has its old name.
   *
   * <p>The caller sees to it that nobody else makes {@code target} at the same time.
   *
   * @throws FileAlreadyExistsException if there is something at {@code target}; it is unchanged
   */
  void rename(Path source, Path target) throws IOException {
    // Asked for explicitly: an atomic move replaces an empty directory on Linux.
    if (exists(target)) {
      throw new FileAlreadyExistsException(target.toString());
    }
    Files.move(source, target, StandardCopyOption.ATOMIC_MOVE);
    try {
      sync(parentOf(target));
      if (!parentOf(source).equals(parentOf(target))) {
        syncUnlessOrdered(parentOf(source));
      }
    } catch (IOException | RuntimeException e) {
      Closing.after(e, () -> Files.move(target, source, StandardCopyOption.ATOMIC_MOVE));
      throw e;
    }
  }

  private static Path parentOf(Path path) {
    return Objects.requireNonNull(path.getParent(), "a path below the layer database");
  }
}
