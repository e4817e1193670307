package io.layerstore.core;

import io.layerstore.DriverChoice;
import io.layerstore.LayerStoreException;
import io.layerstore.RecoveryReport;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * What opening a store found, and what must be closed with it.
 *
 * <p>Resources are closed in the reverse of the order in which they were added; every one is closed
 * whatever happens to the others.
 */
final class OpenStore {

  /** Something to close. */
  @FunctionalInterface
  interface Resource {
    void close() throws LayerStoreException;
  }

  private final Deque<Resource> resources = new ArrayDeque<>();
  private DriverChoice choice = new DriverChoice("none", "not chosen yet", java.util.Map.of());
  private RecoveryReport recoveryReport = RecoveryReport.CLEAN;

  void add(Resource resource) {
    resources.push(resource);
  }

  void setChoice(DriverChoice made) {
    choice = made;
  }

  DriverChoice choice() {
    return choice;
  }

  void setRecoveryReport(RecoveryReport report) {
    recoveryReport = report;
  }

  RecoveryReport recoveryReport() {
    return recoveryReport;
  }

  /** Closes everything; throws the first failure with the others added to it. */
  void close() throws LayerStoreException {
    LayerStoreException failure = null;
    while (!resources.isEmpty()) {
      try {
        resources.pop().close();
      } catch (LayerStoreException e) {
        if (failure == null) {
          failure = e;
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
