package io.layerstore.driver;

import java.io.IOException;
import java.io.InputStream;

/** A stream that gives blocks of bytes: a single byte is a block of one, and skipping reads. */
public abstract class BlockInputStream extends InputStream {

  /** For subclasses. */
  protected BlockInputStream() {}

  @Override
  public final int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public abstract int read(byte[] target, int offset, int length) throws IOException;
}
