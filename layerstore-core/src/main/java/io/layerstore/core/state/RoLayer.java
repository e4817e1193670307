package io.layerstore.core.state;

import io.layerstore.ChainId;
import io.layerstore.LayerInfo;
import io.layerstore.spi.LayerRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The node of one read-only layer in the store's table. Its identity never changes; who holds it is
 * guarded by the lock of {@link LayerTable}.
 */
public final class RoLayer {

  private final @Nullable RoLayer parent;
  private final int depth;

  /**
   * Replaced by one with another cache id and size, and otherwise equal, when the layer is healed.
   */
  private volatile LayerRecord record;

  /** Layers directly above. */
  private Set<ChainId> children = Set.of();

  /** Names of read-write layers directly above. */
  private Set<String> rwLayers = Set.of();

  /** Handles that callers have; those of images apart. */
  private int handles;

  /** Holds of operations that are under way, such as the registration of a child. */
  private int pins;

  /** What tells other processes that the layer is held. */
  private int claim;

  /** How many deletions there were when the layer was last seen on the disk. */
  private volatile long seenDeletions = -1;

  private volatile Health health = Health.UNKNOWN;

  /** What is known of the layer's files. */
  public enum Health {
    /** Nobody has looked. */
    UNKNOWN,
    /** Made since the store was opened, or a quick look found nothing wrong. */
    SOUND,
    /** A look or an export found something wrong. */
    DAMAGED
  }

  public RoLayer(LayerRecord record, @Nullable RoLayer parent) {
    this.record = record;
    this.parent = parent;
    this.depth = parent == null ? 1 : parent.depth + 1;
  }

  private static long addSaturating(long a, long b) {
    long sum = a + b;
    return sum < 0 ? Long.MAX_VALUE : sum;
  }

  public LayerRecord record() {
    return record;
  }

  public ChainId chainId() {
    return record.chainId();
  }

  public String cacheId() {
    return record.cacheId();
  }

  public @Nullable RoLayer parent() {
    return parent;
  }

  public int depth() {
    return depth;
  }

  /** The size of the whole chain, in bytes. */
  public long sizeBytes() {
    long sum = 0;
    for (RoLayer layer = this; layer != null; layer = layer.parent) {
      sum = addSaturating(sum, layer.record.sizeBytes());
    }
    return sum;
  }

  /** Puts the record of the healed layer in place of the damaged one's. */
  public void heal(LayerRecord healed) {
    record = healed;
    health = Health.SOUND;
  }

  public Health health() {
    return health;
  }

  public void setHealth(Health found) {
    health = found;
  }

  long seenDeletions() {
    return seenDeletions;
  }

  void setSeenDeletions(long seen) {
    seenDeletions = seen;
  }

  // What follows is called with the table's lock held.

  /** Whether this process holds it, but for images. */
  boolean isUsed() {
    return handles > 0 || pins > 0;
  }

  int claim() {
    return claim;
  }

  void setClaim(int newClaim) {
    claim = newClaim;
  }

  /** Most layers have one above them or none: there are too many for a tree in each. */
  private static <T> Set<T> with(Set<T> set, T element) {
    if (set.isEmpty()) {
      return Set.of(element);
    }
    Set<T> more = set instanceof TreeSet ? set : new TreeSet<>(set);
    more.add(element);
    return more;
  }

  private static <T> Set<T> without(Set<T> set, T element) {
    if (!(set instanceof TreeSet)) {
      return set.contains(element) ? Set.of() : set;
    }
    set.remove(element);
    return set;
  }

  void addChild(ChainId child) {
    children = with(children, child);
  }

  void removeChild(ChainId child) {
    children = without(children, child);
  }

  void addRWLayer(String name) {
    rwLayers = with(rwLayers, name);
  }

  void removeRWLayer(String name) {
    rwLayers = without(rwLayers, name);
  }

  void addHandle() {
    handles++;
  }

  void removeHandle() {
    requirePositive(handles);
    handles--;
  }

  void pin() {
    pins++;
  }

  void unpin() {
    requirePositive(pins);
    pins--;
  }

  private void requirePositive(int count) {
    if (count <= 0) {
      throw new AssertionError("reference count of " + chainId() + " would become negative");
    }
  }

  /** Whether anything but an image holds it. */
  boolean isHeld() {
    return isUsed() || hasDependents();
  }

  /** Whether the driver's directory of another layer may depend on this one's. */
  boolean hasDependents() {
    return !children.isEmpty() || !rwLayers.isEmpty();
  }

  LayerInfo.Usage usage(int imageHolds, List<String> otherHolders) {
    return new LayerInfo.Usage(
        handles + imageHolds, new ArrayList<>(children), new ArrayList<>(rwLayers), otherHolders);
  }

  LayerInfo info(int imageHolds, List<String> otherHolders) {
    return new LayerInfo(
        chainId(),
        record.diffId(),
        Optional.ofNullable(record.parent()),
        record.cacheId(),
        sizeBytes(),
        record.sizeBytes(),
        depth,
        usage(imageHolds, otherHolders));
  }
}
