package io.layerstore.overlay2;

import io.layerstore.LayerStoreException;
import io.layerstore.MountBusyException;
import java.util.concurrent.locks.LockSupport;

/**
 * Undoes mounts in the kernel, and tries for a moment what is in use.
 *
 * <p>A process that another thread of this JVM starts has, until it runs its own program, every
 * file open that the JVM has open; so a mount can be in use for a moment through no fault of
 * anybody. Safe for use by many threads; an interrupt of the calling one does not end the waiting.
 */
final class PatientUnmount {

  /** How often a busy mount is tried, and how long to wait in between. */
  private static final int ATTEMPTS = 10;

  private static final long PAUSE_NANOS = 20_000_000;

  private final MountHelperSource helper;

  PatientUnmount(MountHelperSource helper) {
    this.helper = helper;
  }

  /**
   * Undoes the mount of a layer, if there is one.
   *
   * @param lazily whether one that is in use is only taken out of sight
   * @throws MountBusyException if it is in use all the time; it stays
   */
  void unmount(String id, boolean lazily) throws LayerStoreException {
    for (int attempt = 1; ; attempt++) {
      try {
        helper.get().unmount(id, lazily);
        return;
      } catch (MountBusyException e) {
        if (attempt == ATTEMPTS) {
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
