package io.layerstore.core.image.archive;

import io.layerstore.ByteString;
import io.layerstore.LayerStoreException;
import io.layerstore.OperationInterruptedException;
import io.layerstore.driver.FileFailures;
import java.io.IOException;

/** Turns what goes wrong with an archive into what the store says. */
final class Failures {

  private static final int MAX_SHOWN = 200;

  private Failures() {}

  /** What to throw for a failure of {@code operation}. */
  static LayerStoreException translate(String operation, IOException failure) {
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

  /** Ends the operation if the calling thread has been interrupted. */
  static void checkInterrupt(String operation) throws OperationInterruptedException {
    if (Thread.currentThread().isInterrupted()) {
      throw new OperationInterruptedException(operation, null);
    }
  }

  /** Text from an archive in quotes, without control characters and not longer than needed. */
  static String quoted(String text) {
    return "\"" + printable(text) + "\"";
  }

  /** Text from an archive without control characters, and not longer than needed. */
  static String printable(String text) {
    String start = text.length() > MAX_SHOWN ? text.substring(0, MAX_SHOWN) + "..." : text;
    return ByteString.utf8(start).toString();
  }
}
