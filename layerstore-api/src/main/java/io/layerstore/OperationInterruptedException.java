package io.layerstore;

import org.jspecify.annotations.Nullable;

/** The calling thread was interrupted; its interrupt status is still set. */
public class OperationInterruptedException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final String operation;

  /** Carries the facts. */
  public OperationInterruptedException(String operation, @Nullable Throwable cause) {
    super(
        "interrupted during " + operation + "; nothing was changed, and it can be tried again",
        cause);
    this.operation = operation;
  }

  /** What was being done. */
  public String operation() {
    return operation;
  }
}
