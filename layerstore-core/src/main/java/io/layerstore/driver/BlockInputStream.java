package io.layerstore.driver;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Objects;

/** A stream that gives blocks of bytes: a single byte is a block of one, and skipping reads. */
public abstract class BlockInputStream extends InputStream {

  private static final int FIRST_BLOCK_BYTES = 8 << 10;
  private static final int BLOCK_BYTES = 64 << 10;

  /** For subclasses. */
  protected BlockInputStream() {}

  @Override
  public final int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public abstract int read(byte[] target, int offset, int length) throws IOException;

  /**
   * {@inheritDoc}
   *
   * <p>In blocks of 64 KiB once the first 8 KiB have shown that the stream is not short.
   */
  @Override
  public long transferTo(OutputStream out) throws IOException {
    Objects.requireNonNull(out, "out");
    byte[] block = new byte[FIRST_BLOCK_BYTES];
    long transferred = 0;
    int count = read(block, 0, block.length);
    while (count >= 0) {
      out.write(block, 0, count);
      transferred += count;
      if (count == block.length && count < BLOCK_BYTES) {
        block = new byte[BLOCK_BYTES];
      }
      count = read(block, 0, block.length);
    }
    return transferred;
  }
}
