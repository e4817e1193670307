package io.layerstore.core.image.archive;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;

import io.layerstore.driver.AtomicFiles;
import io.layerstore.driver.TreeDeleter;
import io.layerstore.driver.WorkFile;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A directory that becomes a layout. It must be empty or not exist; unless it is committed, it is
 * so again afterwards. Blobs may be written by several threads.
 *
 * <p>As long as the file {@code .layerstore-unfinished} is in it, it is not complete; what a
 * process that was killed has written there goes when the next one begins.
 */
final class LayoutDirectory implements Closeable {

  private static final String BLOBS = "blobs";
  private static final String SHA256 = "sha256";
  private static final String MARK = ".layerstore-unfinished";

  /** All that is ever written beside the mark. */
  private static final List<String> WRITTEN =
      List.of(BLOBS, "index.json", "manifest.json", "oci-layout", "repositories");

  private final Path directory;
  private final Path blobs;

  /** What was made, last first. */
  private final Deque<Path> made = new ArrayDeque<>();

  private final AtomicInteger numbers = new AtomicInteger();
  private @Nullable WorkFile mark;
  private boolean isCommitted;

  private LayoutDirectory(Path directory) {
    this.directory = directory;
    this.blobs = directory.resolve(BLOBS).resolve(SHA256);
  }

  /**
   * Prepares to write into {@code directory}.
   *
   * @throws DirectoryNotEmptyException if there is something in it; it is unchanged
   */
  static LayoutDirectory create(Path directory) throws IOException {
    LayoutDirectory layout = new LayoutDirectory(directory.toAbsolutePath());
    if (Files.exists(layout.directory)) {
      sweep(layout.directory);
      requireEmpty(layout.directory);
    }
    try {
      if (!Files.exists(layout.directory)) {
        Files.createDirectory(layout.directory);
        layout.made.push(layout.directory);
      }
      Path mark = layout.directory.resolve(MARK);
      layout.mark = WorkFile.create(mark);
      layout.made.push(mark);
      for (Path path : List.of(layout.directory.resolve(BLOBS), layout.blobs)) {
        Files.createDirectory(path);
        layout.made.push(path);
      }
      return layout;
    } catch (IOException | RuntimeException e) {
      try (layout) {
        throw e;
      }
    }
  }

  private static void sweep(Path directory) throws IOException {
    Path mark = directory.resolve(MARK);
    WorkFile.ifAbandoned(
        mark,
        () -> {
          for (String name : WRITTEN) {
            TreeDeleter.delete(directory.resolve(name));
          }
          Files.deleteIfExists(mark);
        });
  }

  private static void requireEmpty(Path directory) throws IOException {
    if (!Files.isDirectory(directory)) {
      throw new NotDirectoryException(directory.toString());
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      if (entries.iterator().hasNext()) {
        throw new DirectoryNotEmptyException(directory.toString());
      }
    }
  }

  /** Begins a blob whose digest is not known yet. */
  NewBlob newBlob() throws IOException {
    Path file = blobs.resolve(".unfinished-" + numbers.incrementAndGet());
    FileChannel channel = FileChannel.open(file, CREATE_NEW, WRITE);
    note(file);
    return new NewBlob(file, channel);
  }

  /** Writes a document. */
  void write(String path, LayoutDocuments.Document document) throws IOException {
    Path file = directory;
    for (String name : Members.names(path)) {
      file = file.resolve(name);
    }
    note(file);
    try (FileChannel channel = FileChannel.open(file, CREATE_NEW, WRITE);
        OutputStream out = Channels.newOutputStream(channel)) {
      document.bytes().writeTo(out);
      channel.force(true);
    }
    Files.setLastModifiedTime(file, FileTime.from(document.modified()));
  }

  private synchronized void note(Path file) {
    made.push(file);
  }

  /** The layout is complete. */
  void commit() throws IOException {
    AtomicFiles.syncDirectory(blobs);
    AtomicFiles.syncDirectory(directory);
    Files.delete(directory.resolve(MARK));
    isCommitted = true;
    AtomicFiles.syncDirectory(directory);
  }

  /** Removes what was written, unless it is complete. */
  @Override
  public synchronized void close() throws IOException {
    WorkFile closing = mark;
    try {
      if (!isCommitted) {
        for (Path path : made) {
          Files.deleteIfExists(path);
        }
      }
    } finally {
      if (closing != null) {
        closing.close();
      }
    }
  }

  /** A blob that is being written. */
  final class NewBlob implements Closeable {
    private final Path file;
    private final FileChannel channel;
    private final OutputStream stream;

    NewBlob(Path file, FileChannel channel) {
      this.file = file;
      this.channel = channel;
      this.stream = Channels.newOutputStream(channel);
    }

    OutputStream stream() {
      return stream;
    }

    /** Gives the blob its name. */
    void commit(String hex, Instant modified) throws IOException {
      channel.force(true);
      stream.close();
      Path named = blobs.resolve(hex);
      note(named);
      Files.move(file, named);
      Files.setLastModifiedTime(named, FileTime.from(modified));
    }

    @Override
    public void close() throws IOException {
      stream.close();
    }
  }
}
