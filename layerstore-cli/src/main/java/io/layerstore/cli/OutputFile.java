package io.layerstore.cli;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.UUID;

/**
 * A file that appears whole or not at all: written under another name beside it, renamed by {@link
 * #commit}. If what has the name is not a regular file, such as a pipe or {@code /dev/null}, it is
 * written to and stays what it is.
 */
final class OutputFile implements AutoCloseable {
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
    // Not Files.createTempFile: the file should have the mode that the user's umask asks for.
    Path written = target.resolveSibling("." + target.getFileName() + "." + UUID.randomUUID());
    try {
      return new OutputFile(written, target, Files.newOutputStream(written, CREATE_NEW, WRITE));
    } catch (NoSuchFileException e) {
      throw named(new NoSuchFileException(file.toString()), e);
    } catch (AccessDeniedException e) {
      throw named(new AccessDeniedException(file.toString()), e);
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
