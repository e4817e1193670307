package io.layerstore.core.image.archive;

import io.layerstore.Durability;
import io.layerstore.driver.AtomicFiles;
import io.layerstore.driver.TreeDeleter;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * A temporary file for members of a stream that are needed later: one file for all of them, in a
 * directory of its own that only its owner can enter. Made when the first member comes.
 *
 * <p>It goes with {@link #close}; what a crash leaves goes at the next opening of the store, with
 * {@link #removeLeftovers}.
 */
public final class Spool implements Closeable {

  private static final String PREFIX = "layerstore-load-";
  private static final int DIRECTORY_MODE = 0700;
  private static final int FILE_MODE = 0600;
  private static final int BUFFER_BYTES = 128 << 10;

  private final Path temporaryDirectory;
  private @Nullable Path directory;
  private @Nullable Path file;
  private @Nullable FileChannel channel;
  private long length;

  Spool(Path temporaryDirectory) {
    this.temporaryDirectory = temporaryDirectory;
  }

  /** Removes what earlier processes left. No other process uses the store. */
  public static void removeLeftovers(Path temporaryDirectory) throws IOException {
    if (!Files.isDirectory(temporaryDirectory)) {
      return;
    }
    try (DirectoryStream<Path> leftovers =
        Files.newDirectoryStream(temporaryDirectory, PREFIX + "*")) {
      for (Path leftover : leftovers) {
        if (Files.isDirectory(leftover, LinkOption.NOFOLLOW_LINKS)) {
          TreeDeleter.delete(leftover);
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
  }

  /** Adds what is left of {@code in}. */
  Blob add(InputStream in) throws IOException {
    FileChannel out = open();
    Path target = file;
    if (target == null) {
      throw new IllegalStateException("the spool is not open");
    }
    long start = length;
    byte[] buffer = new byte[BUFFER_BYTES];
    for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
      Failures.checkInterrupt("reading the image archive");
      ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, count);
      while (bytes.hasRemaining()) {
        out.write(bytes);
      }
      length += count;
    }
    return new FileRange(target, start, length - start);
  }

  /** How many bytes were spooled. */
  long length() {
    return length;
  }

  private FileChannel open() throws IOException {
    if (channel == null) {
      AtomicFiles.createDirectories(temporaryDirectory, DIRECTORY_MODE, Durability.NONE);
      while (directory == null) {
        Path candidate =
            temporaryDirectory.resolve(
                PREFIX + Long.toUnsignedString(ThreadLocalRandom.current().nextLong()));
        try {
          AtomicFiles.createDirectory(candidate, DIRECTORY_MODE);
          directory = candidate;
        } catch (FileAlreadyExistsException e) {
          // another draw
        }
      }
      Path made = directory.resolve("members");
      channel = AtomicFiles.createNew(made, FILE_MODE);
      file = made;
    }
    return channel;
  }

  @Override
  public void close() throws IOException {
    try {
      if (channel != null) {
        channel.close();
      }
    } finally {
      Path made = directory;
      directory = null;
      if (made != null) {
        TreeDeleter.delete(made);
      }
    }
  }
}
