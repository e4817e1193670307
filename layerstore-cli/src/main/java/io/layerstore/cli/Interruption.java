package io.layerstore.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Turns a signal that ends the process into an interrupt of the working thread, and holds the
 * process until that thread has cleaned up: a store operation that is interrupted leaves nothing
 * behind, one that is cut off leaves work for the next open.
 */
final class Interruption {
  /** How long a cleaning up may take before the process goes anyway. */
  private static final long PATIENCE_SECONDS = 60;

  private final CountDownLatch finished = new CountDownLatch(1);

  private Interruption() {}

  static Interruption of(Thread worker) {
    Interruption interruption = new Interruption();
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> interruption.end(worker), "layerstore-shutdown"));
    return interruption;
  }

  private void end(Thread worker) {
    if (finished.getCount() == 0) {
      return;
    }
    worker.interrupt();
    try {
      if (!finished.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        System.err.println("layerstore: gave up waiting; the next open of the store cleans up");
      }
    } catch (InterruptedException e) {
      // Nobody interrupts a shutdown hook; if somebody does, it is to end now.
      Thread.currentThread().interrupt();
    }
  }

  /** Says that the working thread is done, so that an end of the process need not wait for it. */
  void finished() {
    finished.countDown();
  }
}
