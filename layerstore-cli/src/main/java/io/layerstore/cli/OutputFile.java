package io.layerstore.cli;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;
import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;

/**
 * A file that appears whole or not at all: written under another name beside it, renamed by {@link
 * #commit}. If what has the name is not a regular file, such as a pipe or {@code /dev/null}, it is
 * written to and stays what it is.
 *
 * <p>A file that is being written is locked, and a lock ends with its process: what a command that
 * was killed left beside it goes when the next one writes a file of that name.
 */
final class OutputFile implements AutoCloseable {
  private static final String PREFIX = ".tmp-";

  private final Path written;
  private final Path target;
  private final OutputStream stream;
  private boolean committed;

  private OutputFile(Path written, Path target, OutputStream stream) {
    this.written = written;
    this.target = target;
    this.stream = stream;
  }

  /** Prepares to write {@code file}. What a symbolic link there points to is what gets replaced. */
  static OutputFile create(Path file) throws IOException {
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      return new OutputFile(file, file, Files.newOutputStream(file, WRITE));
    }
    Path target = Files.exists(file) ? file.toRealPath() : file;
    sweep(target);
    // Not Files.createTempFile: the file should have the mode that the user's umask asks for.
    long number = ThreadLocalRandom.current().nextLong();
    Path written =
        target.resolveSibling(PREFIX + target.getFileName() + Long.toUnsignedString(number));
    try {
      FileChannel channel = FileChannel.open(written, CREATE_NEW, WRITE);
      if (!isLocked(channel) || !Files.exists(written)) {
        // Another command took it for what one that is gone has left.
        channel.close();
        return create(file);
      }
      return new OutputFile(written, target, Channels.newOutputStream(channel));
    } catch (NoSuchFileException e) {
      throw named(new NoSuchFileException(file.toString()), e);
    } catch (AccessDeniedException e) {
      throw named(new AccessDeniedException(file.toString()), e);
    }
  }

  /** Whether no other process has a lock; a file system without locks has none to sweep either. */
  private static boolean isLocked(FileChannel channel) {
    try {
      return channel.tryLock() != null;
    } catch (IOException e) {
      return true;
    }
  }

  /** What cannot be listed or deleted stays: it does not keep anybody from writing. */
  private static void sweep(Path target) {
    Pattern name = Pattern.compile(Pattern.quote(PREFIX + target.getFileName()) + "[0-9]+");
    DirectoryStream.Filter<Path> isOurs =
        path -> name.matcher(String.valueOf(path.getFileName())).matches();
    try (DirectoryStream<Path> leftovers =
        Files.newDirectoryStream(target.toAbsolutePath().getParent(), isOurs)) {
      for (Path leftover : leftovers) {
        try (FileChannel channel = FileChannel.open(leftover, WRITE, NOFOLLOW_LINKS)) {
          if (channel.tryLock() != null) {
            Files.deleteIfExists(leftover);
          }
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      // Tried again by the next command.
    }
  }

  /** The name the user gave says more than the one the file would have been written under. */
  private static IOException named(IOException failure, IOException cause) {
    failure.initCause(cause);
    return failure;
  }

  OutputStream stream() {
    return stream;
  }

  /** Closes the file and gives it its name. */
  void commit() throws IOException {
    stream.close();
    if (!written.equals(target)) {
      Files.move(written, target, ATOMIC_MOVE, REPLACE_EXISTING);
    }
    committed = true;
  }

  /** Closes the file, and removes it unless it has been committed. */
  @Override
  public void close() throws IOException {
    stream.close();
    if (!committed && !written.equals(target)) {
      Files.deleteIfExists(written);
    }
  }
}
