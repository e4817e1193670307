package io.layerstore.core;

import com.google.common.io.Closer;
import io.layerstore.DriverChoice;
import io.layerstore.LayerStoreException;
import io.layerstore.RecoveryReport;
import io.layerstore.driver.FileFailures;
import java.io.Closeable;
import java.io.IOException;

/**
 * What opening a store found, and what must be closed with it.
 *
 * <p>Resources are closed in the reverse of the order in which they were added; every one is closed
 * whatever happens to the others.
 */
final class OpenStore {

  private final Closer resources = Closer.create();
  private DriverChoice choice = new DriverChoice("none", "not chosen yet", java.util.Map.of());
  private RecoveryReport recoveryReport = RecoveryReport.CLEAN;

  void add(Closeable resource) {
    resources.register(resource);
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
    try {
      resources.close();
    } catch (LayerStoreException e) {
      throw e;
    } catch (IOException e) {
      throw new LayerStoreException("cannot close the store: " + FileFailures.describe(e), e);
    }
  }
}
