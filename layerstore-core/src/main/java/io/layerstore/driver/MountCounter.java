package io.layerstore.driver;

import io.layerstore.LayerStoreException;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Counts how often each layer is mounted, so that the first mount and the last unmount do the work.
 *
 * <p>A mount that is there before the first call for its key, made by a process before this one,
 * counts as one. The counter only counts: a driver holds its lock for the key from the call until
 * the mount is made or undone. To undo one, it looks at {@link #count} first and calls {@link
 * #decrement} when the unmount has succeeded, so that a busy mount keeps its count:
 *
 * <pre>{@code
 * if (counter.count(id) == 1) {
 *   unmountNow(id); // may throw
 * }
 * counter.decrement(id);
 * }</pre>
 *
 * <p>Safe for use by many threads. Counts as {@code graphdriver.RefCounter} of moby 20.10 does.
 *
 * @param <K> what identifies a mount, such as a driver id or the path of the mount
 */
public final class MountCounter<K> {

  /**
   * Tells whether something is mounted already. Asked while the counter is locked, so it must not
   * call back.
   *
   * @param <K> what identifies a mount
   */
  @FunctionalInterface
  public interface MountCheck<K> {

    /** Whether {@code key} is mounted now. */
    boolean isMounted(K key) throws LayerStoreException;
  }

  private final MountCheck<? super K> check;
  private final Map<K, Integer> counts = new HashMap<>();

  /** All counts are zero, except where {@code check} finds a mount when a key is first used. */
  public MountCounter(MountCheck<? super K> check) {
    this.check = Objects.requireNonNull(check, "check");
  }

  /**
   * Counts one mount more.
   *
   * @return the new count; 1 if the caller is to make the mount
   * @throws LayerStoreException what the check throws; the count is unchanged
   */
  public synchronized int increment(K key) throws LayerStoreException {
    int count = Math.addExact(current(key), 1);
    counts.put(key, count);
    return count;
  }

  /**
   * Counts one mount less.
   *
   * @return the new count; 0 if this was the last, -1 if there was none to undo
   * @throws LayerStoreException what the check throws; the count is unchanged
   */
  public synchronized int decrement(K key) throws LayerStoreException {
    int count = current(key) - 1;
    if (count > 0) {
      counts.put(key, count);
    } else {
      counts.remove(key);
    }
    return count;
  }

  /**
   * How often {@code key} is mounted. A mount found now is counted from now on.
   *
   * @throws LayerStoreException what the check throws
   */
  public synchronized int count(K key) throws LayerStoreException {
    int count = current(key);
    if (count > 0) {
      counts.put(key, count);
    }
    return count;
  }

  /** What is known to be mounted, in no order; a copy. */
  public synchronized Set<K> mounted() {
    return Set.copyOf(counts.keySet());
  }

  /** Forgets {@code key}, because its mount is gone however often it was counted. */
  public synchronized void forget(K key) {
    counts.remove(key);
  }

  private int current(K key) throws LayerStoreException {
    Integer count = counts.get(Objects.requireNonNull(key, "key"));
    if (count != null) {
      return count;
    }
    return check.isMounted(key) ? 1 : 0;
  }
}
