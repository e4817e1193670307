package io.layerstore.driver;

import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.locks.ReentrantLock;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/**
 * Mutual exclusion for each key by itself: threads with different keys do not wait for each other.
 *
 * <p>A key costs memory only while a thread holds its lock or waits for it. The thread that holds a
 * key may acquire it again. Safe for use by many threads.
 *
 * <pre>{@code
 * KeyedLock.Held held = locks.acquire(id);
 * try (held) {
 *   // nobody else is here with this id
 * }
 * }</pre>
 *
 * @param <K> the keys, told apart with {@code equals}
 */
public final class KeyedLock<K> {

  private final ConcurrentMap<K, Slot> slots = new ConcurrentHashMap<>();

  /** Nothing is locked. */
  public KeyedLock() {}

  /**
   * Waits until no other thread holds {@code key}. An interrupt does not end the wait; the thread's
   * interrupt status is kept.
   *
   * @return what to close, by the same thread, to let the next one in
   */
  public Held acquire(K key) {
    Slot slot = enter(key);
    if (!slot.lock.tryLock()) {
      LockWaitEvent wait = new LockWaitEvent();
      wait.begin();
      slot.lock.lock();
      wait.end(key);
    }
    return new Held(this, key, slot.lock);
  }

  /**
   * Waits until no other thread holds {@code key}, or the thread is interrupted.
   *
   * @return what to close, by the same thread, to let the next one in
   * @throws InterruptedException if the thread is interrupted; it does not hold the key then
   */
  public Held acquireInterruptibly(K key) throws InterruptedException {
    Slot slot = enter(key);
    boolean isLocked = false;
    try {
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      if (!slot.lock.tryLock()) {
        LockWaitEvent wait = new LockWaitEvent();
        wait.begin();
        slot.lock.lockInterruptibly();
        wait.end(key);
      }
      isLocked = true;
    } finally {
      if (!isLocked) {
        leave(key);
      }
    }
    return new Held(this, key, slot.lock);
  }

  /** How many keys are held or waited for. */
  int keysInUse() {
    return slots.size();
  }

  private Slot enter(K key) {
    return slots.compute(
        Objects.requireNonNull(key, "key"),
        (k, present) -> {
          Slot slot = present == null ? new Slot() : present;
          slot.users++;
          return slot;
        });
  }

  private void leave(K key) {
    slots.computeIfPresent(key, (k, slot) -> --slot.users == 0 ? null : slot);
  }

  /**
   * A key that a thread holds.
   *
   * <p>To be closed once, by the thread that acquired it; a second call of {@link #close} does
   * nothing.
   */
  public static final class Held implements AutoCloseable {

    private final Runnable leave;
    private final ReentrantLock lock;
    private boolean isClosed;

    private <K> Held(KeyedLock<K> owner, K key, ReentrantLock lock) {
      this.leave = () -> owner.leave(key);
      this.lock = lock;
    }

    /**
     * Gives the key back.
     *
     * @throws IllegalMonitorStateException if another thread acquired it; it stays held
     */
    @Override
    public void close() {
      if (!lock.isHeldByCurrentThread()) {
        if (isClosed) {
          return;
        }
        throw new IllegalMonitorStateException("a key is given back by the thread that holds it");
      }
      if (!isClosed) {
        isClosed = true;
        lock.unlock();
        leave.run();
      }
    }
  }

  /** A lock and how many threads hold it or wait for it; the count is guarded by the map. */
  private static final class Slot {
    final ReentrantLock lock = new ReentrantLock();
    int users;
  }

  /** A thread that waited for a key another one held; for Java Flight Recorder. */
  @Name("io.layerstore.LockWait")
  @Label("Layer Lock Wait")
  @Category("layerstore")
  @Description("A thread waited for the lock of a layer or a name")
  @StackTrace(false)
  private static final class LockWaitEvent extends Event {

    @Label("Key")
    String key = "";

    void end(Object waitedFor) {
      end();
      if (shouldCommit()) {
        key = waitedFor.toString();
        commit();
      }
    }
  }
}
