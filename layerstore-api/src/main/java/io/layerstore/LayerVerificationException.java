package io.layerstore;

import org.jspecify.annotations.Nullable;

/**
 * Content is not what its identity says.
 *
 * <p>On export it means that files inside the store were modified; registering the same layer again
 * heals it.
 */
public class LayerVerificationException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final @Nullable String path;

  /** About a whole layer, or about the file {@code path} of one. */
  public LayerVerificationException(
      String message, @Nullable String path, @Nullable Throwable cause) {
    super(message, cause);
    this.path = path;
  }

  /**
   * The file that differs, relative to the root of the layer, in printable form; null if it is the
   * layer as a whole.
   */
  public @Nullable String path() {
    return path;
  }
}
