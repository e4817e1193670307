package io.layerstore;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * The root of everything that can go wrong with a store and that is not a mistake of the caller.
 *
 * <p>The message is one sentence that says what failed, on what, and what to do; the facts are in
 * the subclasses' accessors. Unless a method says otherwise, the store is as it was before the
 * call.
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
