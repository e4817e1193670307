package io.layerstore.overlay2;

import io.layerstore.LayerStoreException;
import io.layerstore.MountBusyException;
import java.util.concurrent.locks.LockSupport;

/**
 * Tries for a moment what cannot be done while a mount is in use.
 *
 * <p>A process that another thread of this JVM starts has, until it runs its own program, every
 * file open that the JVM has open; and a process that ends takes some milliseconds to let go of its
 * mounts. So a mount can be in use for a moment through no fault of anybody.
 */
final class Patience {

  /** How often it is tried, and how long to wait in between. */
  private static final int ATTEMPTS = 10;

  private static final long PAUSE_NANOS = 20_000_000;

  private Patience() {}

  /** What changes nothing if it fails with {@link MountBusyException}. */
  @FunctionalInterface
  interface Attempt {
    void run() throws LayerStoreException;
  }

  /**
   * Tries until the mount is in use no more. An interrupt of the calling thread does not end the
   * waiting.
   *
   * @throws MountBusyException if it is in use all the time
   */
  static void whileBusy(Attempt attempt) throws LayerStoreException {
    for (int tries = 1; ; tries++) {
      try {
        attempt.run();
        return;
      } catch (MountBusyException e) {
        if (tries == ATTEMPTS) {
          throw e;
        }
        pause();
      }
    }
  }

  private static void pause() {
    boolean wasInterrupted = false;
    long end = System.nanoTime() + PAUSE_NANOS;
    for (long left = PAUSE_NANOS; left > 0; left = end - System.nanoTime()) {
      wasInterrupted |= Thread.interrupted();
      LockSupport.parkNanos(left);
    }
    if (wasInterrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
