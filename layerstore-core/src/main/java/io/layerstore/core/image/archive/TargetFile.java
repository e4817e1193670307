package io.layerstore.core.image.archive;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;

import io.layerstore.driver.WorkFile;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file that appears when it is complete: written beside its place, as {@code .tmp-NAME} and some
 * digits, forced to the disk, and renamed. What is no regular file, such as a pipe, is written to
 * and stays what it is. What a process that was killed left beside it goes when the next one writes
 * a file of that name.
 */
final class TargetFile implements Closeable {

  private static final Logger log = LoggerFactory.getLogger(TargetFile.class);

  private static final String PREFIX = ".tmp-";

  private final Path written;
  private final @Nullable Path target;
  private final @Nullable WorkFile file;
  private final OutputStream stream;
  private boolean isCommitted;

  private TargetFile(
      Path written, @Nullable Path target, @Nullable WorkFile file, OutputStream stream) {
    this.written = written;
    this.target = target;
    this.file = file;
    this.stream = stream;
  }

  /** Prepares to write {@code file}. If it is a link, what it leads to is replaced. */
  static TargetFile create(Path file) throws IOException {
    boolean exists = Files.exists(file);
    if (exists && !Files.isRegularFile(file)) {
      return new TargetFile(file, null, null, Files.newOutputStream(file, WRITE));
    }
    Path target = exists ? file.toRealPath() : file.toAbsolutePath();
    sweep(target);
    while (true) {
      Path written =
          target.resolveSibling(
              PREFIX
                  + target.getFileName()
                  + Long.toUnsignedString(ThreadLocalRandom.current().nextLong()));
      try {
        WorkFile work = WorkFile.create(written);
        return new TargetFile(written, target, work, Channels.newOutputStream(work.channel()));
      } catch (FileAlreadyExistsException e) {
        // Another name will do.
      } catch (NoSuchFileException e) {
        throw named(new NoSuchFileException(file.toString()), e);
      } catch (AccessDeniedException e) {
        throw named(new AccessDeniedException(file.toString()), e);
      }
    }
  }

  /** The name that was asked for tells more than the one it would have been written under. */
  private static IOException named(IOException failure, IOException cause) {
    failure.initCause(cause);
    return failure;
  }

  /** What cannot be listed or deleted stays: it does not keep anybody from writing. */
  private static void sweep(Path target) {
    Path directory = target.getParent();
    if (directory == null) {
      return;
    }
    Pattern name = Pattern.compile(Pattern.quote(PREFIX + target.getFileName()) + "[0-9]+");
    DirectoryStream.Filter<Path> isOurs =
        path -> name.matcher(String.valueOf(path.getFileName())).matches();
    try (DirectoryStream<Path> leftovers = Files.newDirectoryStream(directory, isOurs)) {
      for (Path leftover : leftovers) {
        WorkFile.ifAbandoned(leftover, () -> Files.deleteIfExists(leftover));
      }
    } catch (IOException | DirectoryIteratorException e) {
      log.debug("cannot delete what an earlier process left beside {}", target, e);
    }
  }

  OutputStream stream() {
    return stream;
  }

  /** Gives the file its name. */
  void commit() throws IOException {
    if (file != null) {
      file.channel().force(true);
    }
    if (target == null) {
      stream.close();
    } else {
      Files.move(written, target, ATOMIC_MOVE, REPLACE_EXISTING);
    }
    isCommitted = true;
  }

  /** Closes the file, and removes it unless it has its name. */
  @Override
  public void close() throws IOException {
    try {
      if (!isCommitted && target != null) {
        Files.deleteIfExists(written);
      }
    } finally {
      if (file != null) {
        file.close();
      } else {
        stream.close();
      }
    }
  }
}
