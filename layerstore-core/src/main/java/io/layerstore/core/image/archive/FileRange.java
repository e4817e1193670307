package io.layerstore.core.image.archive;

import io.layerstore.driver.BlockInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Objects;

/**
 * A part of a file, read where it is.
 *
 * @param file the file
 * @param offset where the part begins, in bytes
 * @param sizeBytes its length
 */
record FileRange(Path file, long offset, long sizeBytes) implements Blob {

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

  /** Gives a fixed number of bytes, or fails. */
  private static final class Range extends BlockInputStream {
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
