package io.layerstore.driver;

import io.layerstore.StoreUser;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
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
  private final Beyond<? super K> beyond;

  /** Nothing is locked. */
  public KeyedLock() {
    this((key, isInterruptible, waiting) -> () -> {});
  }

  /** A lock that is taken beyond this process too, by the one thread in it that has the key. */
  public KeyedLock(Beyond<? super K> beyond) {
    this.beyond = beyond;
  }

  /**
   * Keeps others out than the threads of this process.
   *
   * @param <K> the keys
   */
  @FunctionalInterface
  public interface Beyond<K> {

    /**
     * Waits until nobody else has {@code key}.
     *
     * @param isInterruptible whether an interrupt ends the wait
     * @param waiting told who has the key, when there is somebody and when it is another one
     * @return what lets the others in again
     * @throws InterruptedException if the wait was ended; the caller does not have the key
     */
    Runnable lock(K key, boolean isInterruptible, Consumer<? super StoreUser> waiting)
        throws InterruptedException;
  }

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
    try {
      return held(key, slot, false, user -> {});
    } catch (InterruptedException e) {
      throw new IllegalStateException("not to be interrupted", e);
    }
  }

  /** With the lock of the slot; without it and the slot after a failure. */
  private Held held(K key, Slot slot, boolean isInterruptible, Consumer<? super StoreUser> waiting)
      throws InterruptedException {
    boolean isLocked = false;
    try {
      if (slot.lock.getHoldCount() == 1) {
        slot.release = beyond.lock(key, isInterruptible, waiting);
      }
      isLocked = true;
      return new Held(this, key, slot);
    } finally {
      if (!isLocked) {
        slot.lock.unlock();
        leave(key);
      }
    }
  }

  /**
   * Waits until no other thread holds {@code key}, or the thread is interrupted.
   *
   * @return what to close, by the same thread, to let the next one in
   * @throws InterruptedException if the thread is interrupted; it does not hold the key then
   */
  public Held acquireInterruptibly(K key) throws InterruptedException {
    return acquireInterruptibly(key, user -> {});
  }

  /**
   * The same, and {@code waiting} is told which other user of the root has the key, when there is
   * one and when it is another one.
   */
  public Held acquireInterruptibly(K key, Consumer<? super StoreUser> waiting)
      throws InterruptedException {
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
    return held(key, slot, true, waiting);
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
    private final Slot slot;
    private boolean isClosed;

    private <K> Held(KeyedLock<K> owner, K key, Slot slot) {
      this.leave = () -> owner.leave(key);
      this.slot = slot;
    }

    /**
     * Gives the key back.
     *
     * @throws IllegalMonitorStateException if another thread acquired it; it stays held
     */
    @Override
    public void close() {
      if (!slot.lock.isHeldByCurrentThread()) {
        if (isClosed) {
          return;
        }
        throw new IllegalMonitorStateException("only the thread that holds a key can release it");
      }
      if (!isClosed) {
        isClosed = true;
        try {
          if (slot.lock.getHoldCount() == 1) {
            slot.release.run();
          }
        } finally {
          slot.lock.unlock();
          leave.run();
        }
      }
    }
  }

  /** A lock and how many threads hold it or wait for it; the count is guarded by the map. */
  private static final class Slot {
    final ReentrantLock lock = new ReentrantLock();
    int users;

    /** Lets others than this process in; guarded by the lock. */
    Runnable release = () -> {};
  }

  /** A thread that waited for a key another one held; for Java Flight Recorder. */
  @Name("io.layerstore.LockWait")
  @Label("Layer Lock Wait")
  @Category("layerstore")
  @Description("A thread waited for the lock of a layer or a name")
  @StackTrace(false)
  static final class LockWaitEvent extends Event {

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
