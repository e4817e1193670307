package io.layerstore.overlay2.linux.wire;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Does something when a wait takes too long, for any number of threads that wait.
 *
 * <p>A thread of its own sleeps until the first wait that it was told of could be too long, and
 * looks then which ones there are. So one of many short waits costs two looks at a lock, and once
 * in a while one wake-up.
 */
final class Watchdog {

  private final BackgroundThread thread;

  /** Guards what follows. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition changed = lock.newCondition();
  private final List<Wait> waits = new ArrayList<>();
  private boolean isClosed;

  /** Whether the thread sleeps until {@link #wakeTime}, and not for ever. */
  private boolean isSet;

  private long wakeTime;

  /** With a thread of that name, from {@link #start} on. */
  Watchdog(String threadName) {
    this.thread = new BackgroundThread(threadName, this::watch);
  }

  void start() {
    thread.start();
  }

  /** Somebody waits. */
  final class Wait {
    private final long due;
    private final Runnable onTimeout;

    private Wait(long due, Runnable onTimeout) {
      this.due = due;
      this.onTimeout = onTimeout;
    }

    /** The wait is over; gives whether it was in time. */
    boolean end() {
      lock.lock();
      try {
        return waits.remove(this);
      } finally {
        lock.unlock();
      }
    }
  }

  /**
   * A wait begins.
   *
   * @param onTimeout run by the watchdog's thread; may be overtaken by the end of the wait
   */
  Wait begin(Duration timeout, Runnable onTimeout) {
    Wait wait = new Wait(System.nanoTime() + timeout.toNanos(), onTimeout);
    lock.lock();
    try {
      waits.add(wait);
      if (!isSet || wait.due - wakeTime < 0) {
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
    return wait;
  }

  private void watch() {
    Wait late = awaitTimeout();
    while (late != null) {
      late.onTimeout.run();
      late = awaitTimeout();
    }
  }

  /** Sleeps until a wait is too long; gives null if there will be none any more. */
  private @Nullable Wait awaitTimeout() {
    lock.lock();
    try {
      while (!isClosed) {
        Wait first = null;
        for (Wait wait : waits) {
          first = first == null || wait.due - first.due < 0 ? wait : first;
        }
        long left = first == null ? 0 : first.due - System.nanoTime();
        if (first != null && left <= 0) {
          waits.remove(first);
          return first;
        }
        isSet = first != null;
        wakeTime = first == null ? 0 : first.due;
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
      return null;
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
