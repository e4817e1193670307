package io.layerstore.overlay2.linux;

import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Does something when a wait takes too long.
 *
 * <p>A thread of its own sleeps until the first wait that it was told of could be too long, and
 * looks then which one there is. So one of many short waits costs two looks at a lock, and once in
 * a while one wake-up.
 *
 * <p>One thread at a time waits.
 */
final class Watchdog {

  private final Runnable onTimeout;
  private final BackgroundThread thread;

  /** Guards what follows. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition changed = lock.newCondition();
  private boolean isWaiting;
  private long due;
  private boolean hasFired;
  private boolean isClosed;

  /** Whether the thread sleeps until {@link #wakeTime}, and not for ever. */
  private boolean isSet;

  private long wakeTime;

  /**
   * Runs {@code onTimeout} in a thread of its own, not before {@link #start}.
   *
   * @param onTimeout may be overtaken by the end of the wait
   */
  Watchdog(String threadName, Runnable onTimeout) {
    this.onTimeout = onTimeout;
    this.thread = new BackgroundThread(threadName, this::watch);
  }

  void start() {
    thread.start();
  }

  /** A wait begins. */
  void begin(Duration timeout) {
    long end = System.nanoTime() + timeout.toNanos();
    lock.lock();
    try {
      isWaiting = true;
      hasFired = false;
      due = end;
      if (!isSet || due - wakeTime < 0) {
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  /** The wait is over; gives whether it was in time. */
  boolean end() {
    lock.lock();
    try {
      isWaiting = false;
      return !hasFired;
    } finally {
      lock.unlock();
    }
  }

  private void watch() {
    while (awaitTimeout()) {
      onTimeout.run();
    }
  }

  /** Sleeps until a wait is too long; gives false if there will be none any more. */
  private boolean awaitTimeout() {
    lock.lock();
    try {
      while (!isClosed) {
        long left = due - System.nanoTime();
        if (isWaiting && left <= 0) {
          isWaiting = false;
          hasFired = true;
          return true;
        }
        isSet = isWaiting;
        wakeTime = due;
        try {
          if (isSet) {
            changed.awaitNanos(left);
          } else {
            changed.await();
          }
        } catch (InterruptedException e) {
          // Nobody has this thread to interrupt it; if somebody does, it looks again.
        }
      }
      return false;
    } finally {
      lock.unlock();
    }
  }

  /** Ends the thread. */
  void close() {
    lock.lock();
    try {
      isClosed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Waits for the thread, after {@link #close}. */
  void join(Duration timeout) {
    thread.join(timeout);
  }
}
