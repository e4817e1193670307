package io.layerstore.core.image.archive;

import io.layerstore.core.tar.ExpandedContent;
import io.layerstore.driver.BlockInputStream;
import io.layerstore.spi.FileContent.Extent;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Objects;

/** The content of one member of an archive. Can be opened any number of times, on any thread. */
interface Blob {

  /** Its size in bytes. */
  long sizeBytes();

  /** Opens it at its beginning. */
  InputStream open() throws IOException;

  /** Of bytes in memory, which are not copied. */
  static Blob of(byte[] bytes) {
    return new Blob() {
      @Override
      public long sizeBytes() {
        return bytes.length;
      }

      @Override
      public InputStream open() {
        return new ByteArrayInputStream(bytes);
      }
    };
  }

  /**
   * Of a part of a file, read where it is.
   *
   * @param offset where the part begins, in bytes
   * @param sizeBytes its length
   */
  static Blob of(Path file, long offset, long sizeBytes) {
    return new Blob() {
      @Override
      public long sizeBytes() {
        return sizeBytes;
      }

      @Override
      public InputStream open() throws IOException {
        SeekableByteChannel channel = Files.newByteChannel(file, StandardOpenOption.READ);
        try {
          channel.position(offset);
          return new Range(channel, sizeBytes);
        } catch (IOException | RuntimeException e) {
          try (channel) {
            throw e;
          }
        }
      }
    };
  }

  /**
   * Of a member that the archive holds without its holes, as several tar programs write files with
   * holes without being asked. Reads as the file was, the holes as zeros.
   *
   * @param stored the bytes between the holes
   * @param extents where they belong: in order, inside the file, as many bytes as are stored
   * @param sizeBytes the size of the file
   */
  static Blob sparse(Blob stored, List<Extent> extents, long sizeBytes) {
    List<Extent> places = List.copyOf(extents);
    return new Blob() {
      @Override
      public long sizeBytes() {
        return sizeBytes;
      }

      @Override
      public InputStream open() throws IOException {
        return new ExpandedContent(stored.open(), places, sizeBytes);
      }
    };
  }

  /** Gives a fixed number of bytes of a file, or fails. */
  final class Range extends BlockInputStream {
    private final SeekableByteChannel channel;
    private long left;

    Range(SeekableByteChannel channel, long left) {
      this.channel = channel;
      this.left = left;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      Objects.checkFromIndexSize(offset, length, target.length);
      if (length == 0) {
        return 0;
      }
      if (left == 0) {
        return -1;
      }
      int count = channel.read(ByteBuffer.wrap(target, offset, (int) Math.min(length, left)));
      if (count < 0) {
        throw new EOFException("the archive file became shorter while it was read");
      }
      left -= count;
      return count;
    }

    @Override
    public long skip(long count) throws IOException {
      long skipped = Math.max(0, Math.min(count, left));
      channel.position(channel.position() + skipped);
      left -= skipped;
      return skipped;
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }
}
