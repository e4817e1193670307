package io.layerstore.core.image.archive;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/**
 * A file that appears when it is complete: written beside its place, forced to the disk, and
 * renamed. What is no regular file, such as a pipe, is written to and stays what it is.
 */
final class TargetFile implements Closeable {

  private final Path written;
  private final @Nullable Path target;
  private final @Nullable FileChannel channel;
  private final OutputStream stream;
  private boolean isCommitted;

  private TargetFile(
      Path written, @Nullable Path target, @Nullable FileChannel channel, OutputStream stream) {
    this.written = written;
    this.target = target;
    this.channel = channel;
    this.stream = stream;
  }

  /** Prepares to write {@code file}. If it is a link, what it leads to is replaced. */
  static TargetFile create(Path file) throws IOException {
    boolean exists = Files.exists(file);
    if (exists && !Files.isRegularFile(file)) {
      return new TargetFile(file, null, null, Files.newOutputStream(file, WRITE));
    }
    Path target = exists ? file.toRealPath() : file.toAbsolutePath();
    // Not a temporary file of the JDK's: this one gets the mode that the user's umask asks for.
    Path written =
        target.resolveSibling(
            "."
                + target.getFileName()
                + "."
                + Long.toUnsignedString(ThreadLocalRandom.current().nextLong()));
    FileChannel channel;
    try {
      channel = FileChannel.open(written, CREATE_NEW, WRITE);
    } catch (NoSuchFileException e) {
      throw named(new NoSuchFileException(file.toString()), e);
    } catch (AccessDeniedException e) {
      throw named(new AccessDeniedException(file.toString()), e);
    }
    return new TargetFile(written, target, channel, Channels.newOutputStream(channel));
  }

  /** The name that was asked for tells more than the one it would have been written under. */
  private static IOException named(IOException failure, IOException cause) {
    failure.initCause(cause);
    return failure;
  }

  OutputStream stream() {
    return stream;
  }

  /** Gives the file its name. */
  void commit() throws IOException {
    if (channel != null) {
      channel.force(true);
    }
    stream.close();
    if (target != null) {
      Files.move(written, target, ATOMIC_MOVE, REPLACE_EXISTING);
    }
    isCommitted = true;
  }

  /** Closes the file, and removes it unless it has its name. */
  @Override
  public void close() throws IOException {
    try {
      stream.close();
    } finally {
      if (!isCommitted && target != null) {
        Files.deleteIfExists(written);
      }
    }
  }
}
