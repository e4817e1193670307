package io.layerstore.core.layer;

import static java.util.Objects.requireNonNull;

import com.google.common.io.ByteStreams;
import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.ByteString;
import io.layerstore.core.tar.MappedEntry;
import io.layerstore.core.tar.TarHeader;
import io.layerstore.spi.FileContent;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.TreeWriter;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The files that old AUFS layers keep under {@code .wh..wh.plnk/} and link to from elsewhere.
 *
 * <p>Docker's naive unpacker does not put them into the layer; it keeps them aside and makes a copy
 * for every hard link to one (moby {@code pkg/archive/diff.go}, {@code UnpackLayer}). Their content
 * waits in one temporary file.
 */
final class AufsLinkSources implements Closeable {

  private static final int BUFFER_BYTES = 64 << 10;

  /** Makes the path of the temporary file when there is something to keep; the file may exist. */
  @FunctionalInterface
  interface Spool {
    Path create() throws IOException;
  }

  private record Source(TreeEntry entry, long offset) {}

  private final Spool spool;
  private final Map<ByteString, Source> sources = new HashMap<>();
  private @Nullable Path file;
  private @Nullable SeekableByteChannel channel;

  AufsLinkSources(Spool spool) {
    this.spool = spool;
  }

  /** Keeps a link source with what it contains; a later one of the same name takes its place. */
  void add(MappedEntry mapped, InputStream content) throws IOException {
    ByteString name = requireNonNull(mapped.linkSource());
    TreeEntry entry = requireNonNull(mapped.tree());
    SeekableByteChannel out = open();
    long offset = out.size();
    out.position(offset);
    byte[] buffer = new byte[BUFFER_BYTES];
    int count = content.read(buffer);
    while (count >= 0) {
      ByteBuffer bytes = ByteBuffer.wrap(buffer, 0, count);
      while (bytes.hasRemaining()) {
        out.write(bytes);
      }
      count = content.read(buffer);
    }
    sources.put(name, new Source(entry, offset));
  }

  /**
   * Writes a copy of the file that the hard link {@code mapped} names.
   *
   * @throws ArchiveException if there is no such file
   */
  void writeCopy(TarHeader header, MappedEntry mapped, TreeWriter writer) throws IOException {
    Source source = sources.get(requireNonNull(mapped.linkSource()));
    if (source == null) {
      throw new ArchiveException(
          Kind.MALFORMED,
          header.index(),
          header.name().toString(),
          "invalid aufs hardlink to \"" + header.linkName() + "\"");
    }
    TreeEntry entry = source.entry();
    SeekableByteChannel in = open();
    in.position(source.offset());
    TreeEntry copy = TreeEntry.file(mapped.path(), entry.attributes(), entry.sizeBytes());
    writer.write(
        copy,
        FileContent.dense(
            ByteStreams.limit(Channels.newInputStream(in), entry.sizeBytes()), entry.sizeBytes()));
  }

  private SeekableByteChannel open() throws IOException {
    SeekableByteChannel open = channel;
    if (open == null) {
      Path path = spool.create();
      file = path;
      open =
          Files.newByteChannel(
              path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
      channel = open;
    }
    return open;
  }

  /** Closes and deletes the temporary file. */
  @Override
  public void close() throws IOException {
    if (channel != null) {
      channel.close();
    }
    if (file != null) {
      Files.deleteIfExists(file);
    }
  }
}
