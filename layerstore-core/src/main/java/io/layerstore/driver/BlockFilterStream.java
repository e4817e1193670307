package io.layerstore.driver;

import java.io.IOException;
import java.io.InputStream;

/** A stream between another and its reader that sees every byte, also one that is skipped. */
public abstract class BlockFilterStream extends BlockInputStream {

  /** The other stream. */
  protected final InputStream in;

  /** For subclasses; {@link #close} closes {@code in}. */
  protected BlockFilterStream(InputStream in) {
    this.in = in;
  }

  @Override
  public int available() throws IOException {
    return in.available();
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
