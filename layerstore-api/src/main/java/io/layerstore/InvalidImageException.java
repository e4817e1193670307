package io.layerstore;

import org.jspecify.annotations.Nullable;

/** An image configuration, manifest or archive is invalid. Nothing was added. */
public class InvalidImageException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  /** With what is wrong. */
  public InvalidImageException(String problem) {
    super(problem);
  }

  /** With what is wrong and what caused it. */
  public InvalidImageException(String problem, @Nullable Throwable cause) {
    super(problem, cause);
  }
}
