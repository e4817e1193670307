package io.layerstore;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * The root of all failures of a store that are not mistakes of the caller.
 *
 * <p>The message says in one sentence what failed, on what, and what to do; subclasses have the
 * facts as accessors. Unless a method says otherwise, the store is as it was before the call.
 */
public class LayerStoreException extends IOException {
  private static final long serialVersionUID = 1L;

  /** With a sentence. */
  public LayerStoreException(String message) {
    super(message);
  }

  /** With a sentence and what caused it. */
  public LayerStoreException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
