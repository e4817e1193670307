package io.layerstore.overlay2.linux.wire;

import java.time.Duration;

/** A thread that does not keep the JVM alive, and waiting for its end whatever interrupts come. */
public final class BackgroundThread {

  private final Thread thread;

  public BackgroundThread(String name, Runnable body) {
    this.thread = new Thread(body, name);
    thread.setDaemon(true);
  }

  public void start() {
    thread.start();
  }

  /** Waits until it has ended, but not for itself. */
  public void join(Duration timeout) {
    if (thread == Thread.currentThread()) {
      return;
    }
    boolean wasInterrupted = false;
    long deadline = System.nanoTime() + timeout.toNanos();
    long left = timeout.toMillis();
    while (thread.isAlive() && left > 0) {
      try {
        thread.join(left);
      } catch (InterruptedException e) {
        wasInterrupted = true;
      }
      left = Duration.ofNanos(deadline - System.nanoTime()).toMillis();
    }
    if (wasInterrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
