package io.layerstore.driver.rooted;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * Does in an open directory what {@link SecureDirectoryStream} has no method for, such as making a
 * directory.
 *
 * <p>Java does not tell the number of a stream's descriptor, but Linux lists all descriptors of a
 * process in {@code /proc/self/fd}, and a path that goes through one of them begins in the
 * directory it has open, wherever that is by now. The right one is found by the identity of the
 * directory. It may be the descriptor of another stream on the same directory, and such a one must
 * not be closed, and its number used again, before the path is used: so streams are closed by
 * {@link #close}, which waits.
 */
final class Descriptors {

  private static final Path ALL = Path.of("/proc/self/fd");

  /** Held for reading while a stream is closed, for writing while a descriptor is used. */
  private static final ReadWriteLock CLOSING = new ReentrantReadWriteLock();

  private Descriptors() {}

  /** What is done by path. */
  @FunctionalInterface
  interface Action {
    void run(Path directory) throws IOException;
  }

  /**
   * Runs {@code action} with a path that leads to the open directory; with {@code path}, where it
   * was when it was opened, if this system has no better one.
   */
  static void inDirectory(SecureDirectoryStream<Path> stream, Path path, Action action)
      throws IOException {
    CLOSING.writeLock().lock();
    try {
      Path held = path.getFileSystem() == FileSystems.getDefault() ? find(stream) : null;
      action.run(held == null ? path : held);
    } finally {
      CLOSING.writeLock().unlock();
    }
  }

  private static @Nullable Path find(SecureDirectoryStream<Path> stream) throws IOException {
    Object key =
        stream.getFileAttributeView(BasicFileAttributeView.class).readAttributes().fileKey();
    if (key == null || !Files.isDirectory(ALL)) {
      return null;
    }
    try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(ALL)) {
      for (Path descriptor : descriptors) {
        if (isDirectory(descriptor, key)) {
          return descriptor;
        }
      }
    }
    return null;
  }

  private static boolean isDirectory(Path descriptor, Object key) {
    try {
      BasicFileAttributes attributes = Files.readAttributes(descriptor, BasicFileAttributes.class);
      return attributes.isDirectory() && Objects.equals(attributes.fileKey(), key);
    } catch (IOException e) {
      // Closed by now, or a pipe or a socket that cannot be asked.
      return false;
    }
  }

  /** Closes a stream on a directory. */
  static void close(DirectoryStream<Path> stream) throws IOException {
    CLOSING.readLock().lock();
    try {
      stream.close();
    } finally {
      CLOSING.readLock().unlock();
    }
  }
}
