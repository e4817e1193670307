package io.layerstore.core.work;

import io.layerstore.driver.BlockFilterStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** Copies everything that is read to a second place. */
public final class TeeStream extends BlockFilterStream {

  private final OutputStream copy;

  public TeeStream(InputStream in, OutputStream copy) {
    super(in);
    this.copy = copy;
  }

  @Override
  public int read(byte[] bytes, int offset, int length) throws IOException {
    int count = in.read(bytes, offset, length);
    if (count > 0) {
      copy.write(bytes, offset, count);
    }
    return count;
  }
}
