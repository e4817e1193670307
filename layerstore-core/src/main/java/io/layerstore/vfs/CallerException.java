package io.layerstore.vfs;

import java.io.IOException;
import java.util.Objects;

/** What the caller's own content or context threw, on its way back to the caller as it was. */
final class CallerException extends IOException {

  private static final long serialVersionUID = 1L;

  CallerException(IOException cause) {
    super(cause);
  }

  @Override
  public synchronized IOException getCause() {
    return (IOException) Objects.requireNonNull(super.getCause());
  }
}
