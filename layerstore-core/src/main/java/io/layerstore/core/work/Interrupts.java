package io.layerstore.core.work;

import io.layerstore.LayerStoreException;
import io.layerstore.OperationInterruptedException;
import io.layerstore.driver.FileFailures;
import java.io.IOException;

/** Turns an interrupt of the calling thread into the end of its operation. */
public final class Interrupts {

  private Interrupts() {}

  /** Ends the operation if the calling thread has been interrupted; its status stays set. */
  public static void check(String operation) throws OperationInterruptedException {
    if (Thread.currentThread().isInterrupted()) {
      throw new OperationInterruptedException(operation, null);
    }
  }

  /**
   * What ends {@code operation} when a wait of it was interrupted; sets the thread's status again.
   */
  public static OperationInterruptedException ended(String operation, InterruptedException wait) {
    Thread.currentThread().interrupt();
    return new OperationInterruptedException(operation, wait);
  }

  /**
   * What to throw for a failure of {@code operation}: an interruption if the thread was
   * interrupted, else the failure itself.
   */
  public static LayerStoreException translate(String operation, IOException failure) {
    if (failure instanceof OperationInterruptedException e) {
      return e;
    }
    if (Thread.currentThread().isInterrupted()) {
      return new OperationInterruptedException(operation, failure);
    }
    if (failure instanceof LayerStoreException e) {
      return e;
    }
    return new LayerStoreException(
        operation + " failed: " + FileFailures.describe(failure), failure);
  }
}
