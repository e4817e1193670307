package io.layerstore.overlay2.linux;

import io.layerstore.driver.TreeDeleter;
import io.layerstore.driver.WorkFile;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A directory of this process's own outside any store, where other processes have theirs beside it.
 * What is left of one whose process was killed goes when the next one is made there.
 *
 * <p>Not safe for use by many threads.
 */
final class WorkDirectory implements Closeable {

  private static final String PREFIX = "layerstore-work-";
  private static final String LOCK = "lock";

  /** A link to what belongs to the user this process creates files as. */
  private static final Path SELF = Path.of("/proc/self");

  private static final FileAttribute<Set<PosixFilePermission>> PRIVATE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  private final Path path;
  private final WorkFile lock;

  private WorkDirectory(Path path, WorkFile lock) {
    this.path = path;
    this.lock = lock;
  }

  /** Makes one in {@code place}, which only this user can enter. */
  static WorkDirectory create(Path place) throws IOException {
    sweep(place);
    while (true) {
      Path path =
          place.resolve(PREFIX + Long.toUnsignedString(ThreadLocalRandom.current().nextLong()));
      try {
        Files.createDirectory(path, PRIVATE);
        return new WorkDirectory(path, WorkFile.create(path.resolve(LOCK)));
      } catch (FileAlreadyExistsException | NoSuchFileException e) {
        if (!Files.isDirectory(place)) {
          throw e;
        }
        // Another process had the name, or has just taken the directory for an abandoned one.
      }
    }
  }

  /** Deletes what processes that are gone have left in {@code place}, as far as it can be. */
  static void sweep(Path place) {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(place, PREFIX + "*")) {
      for (Path entry : entries) {
        // Another user's, in a place such as /tmp, could be a link to anywhere the next moment.
        if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS) && isOwn(entry)) {
          sweepDirectory(entry);
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      // Tried again by the next process; it keeps nobody from working.
    }
  }

  /** The lock last, without which nobody could tell what is left. */
  private static void delete(Path directory) throws IOException {
    DirectoryStream.Filter<Path> isOther = path -> !path.endsWith(LOCK);
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, isOther)) {
      for (Path entry : entries) {
        TreeDeleter.delete(entry);
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    Files.deleteIfExists(directory.resolve(LOCK));
    Files.deleteIfExists(directory);
  }

  /** Whether {@code path}, not what it may be a link to, belongs to this process's user. */
  static boolean isOwn(Path path) throws IOException {
    return Files.getAttribute(path, "unix:uid", LinkOption.NOFOLLOW_LINKS)
        .equals(Files.getAttribute(SELF, "unix:uid"));
  }

  private static void sweepDirectory(Path directory) throws IOException {
    Path lock = directory.resolve(LOCK);
    try {
      if (!Files.exists(lock, LinkOption.NOFOLLOW_LINKS)) {
        // Killed before it had a lock; with one it is not empty.
        Files.delete(directory);
      } else {
        WorkFile.ifAbandoned(lock, () -> delete(directory));
      }
    } catch (NoSuchFileException | DirectoryNotEmptyException e) {
      // Somebody was faster.
    }
  }

  /** A path for the file {@code name} in it. */
  Path file(String name) {
    return path.resolve(name);
  }

  /** Keeps it until the JVM ends; it must not be closed then. */
  Path toTheEnd() {
    // Deleted in the opposite order.
    path.toFile().deleteOnExit();
    path.resolve(LOCK).toFile().deleteOnExit();
    return path;
  }

  /** Deletes it with everything in it. */
  @Override
  public void close() throws IOException {
    try {
      delete(path);
    } finally {
      lock.close();
    }
  }
}
