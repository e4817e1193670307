package io.layerstore;

import org.jspecify.annotations.Nullable;

/** A file of a read-write layer changed while it was read. */
public class ConcurrentChangeException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final String path;

  /** Carries the facts. */
  public ConcurrentChangeException(String path, @Nullable Throwable cause) {
    super(
        "/" + path + " changed while it was read; stop what writes to the layer and try again",
        cause);
    this.path = path;
  }

  /** The file, relative to the root of the layer, in printable form. */
  public String path() {
    return path;
  }
}
