package io.layerstore.driver;

import java.io.IOException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A stream whose bytes are made while it is read.
 *
 * <p>Once making them has failed, every further read fails with the same exception and the end
 * never comes: nobody can take a part for the whole. After {@link #close} every read fails. Used by
 * one thread at a time.
 */
public abstract class MadeStream extends BlockInputStream {

  private boolean isClosed;
  private @Nullable IOException failure;

  /** For subclasses. */
  protected MadeStream() {}

  /**
   * Makes the next bytes.
   *
   * @param length how many there is room for, at least one
   * @return how many were made, at least one; -1 at the end
   */
  protected abstract int make(byte[] target, int offset, int length) throws IOException;

  /** Closes what the bytes are made of; called once. */
  protected abstract void closeSources() throws IOException;

  @Override
  public final int read(byte[] target, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, target.length);
    if (isClosed) {
      throw new IOException("the stream is closed");
    }
    if (failure != null) {
      throw failure;
    }
    if (length == 0) {
      return 0;
    }
    try {
      return make(target, offset, length);
    } catch (IOException e) {
      failure = e;
      throw e;
    }
  }

  /** Closes what the bytes are made of. A second call does nothing. */
  @Override
  public final void close() throws IOException {
    if (!isClosed) {
      isClosed = true;
      closeSources();
    }
  }
}
