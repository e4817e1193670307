package io.layerstore.core.state;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.LayerInfo;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerNotRetainedException;
import io.layerstore.RWLayerInfo;
import io.layerstore.RWLayerNotFoundException;
import io.layerstore.StoreUser;
import io.layerstore.core.share.ClaimKind;
import io.layerstore.core.share.Participant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The layers a store knows, and who holds them.
 *
 * <p>One lock guards everything here. It is held for a look or a count, never while anything is
 * read or written on disk, and no other lock is taken under it.
 */
public final class LayerTable {

  /** How a mount of another user is told, before its ID in the driver. */
  private static final String MOUNT_OF = "mount of ";

  private final Object lock = new Object();
  private final @Nullable Participant participant;

  /** Sorted only for those who ask: every layer is looked up several times when it is loaded. */
  @GuardedBy("lock")
  private final Map<ChainId, RoLayer> layers = new HashMap<>();

  /**
   * How many images hold which layer, which other stores know from the disk. By identity, not in
   * the layer: where another store has deleted image and layer and made both again, an image that
   * was here before holds the layer that is here now.
   */
  @GuardedBy("lock")
  private final Map<ChainId, Integer> imageHolds = new HashMap<>();

  @GuardedBy("lock")
  private final TreeMap<String, MountedLayer> mounts = new TreeMap<>();

  /**
   * @param participant whom to tell what is held here; null if there is nobody to tell
   */
  public LayerTable(@Nullable Participant participant) {
    this.participant = participant;
  }

  // Claims

  @GuardedBy("lock")
  private void addHandle(RoLayer layer) {
    claim(layer);
    layer.addHandle();
  }

  @GuardedBy("lock")
  private void addPin(RoLayer layer) {
    claim(layer);
    layer.pin();
  }

  /** Before it is used for the first time. */
  @GuardedBy("lock")
  private void claim(RoLayer layer) {
    if (participant != null && !layer.isUsed()) {
      layer.setClaim(participant.claim(ClaimKind.LAYER, layer.chainId().toString()));
    }
  }

  /** After a use of it has ended. */
  @GuardedBy("lock")
  private void unclaim(RoLayer layer) {
    if (participant != null && !layer.isUsed()) {
      participant.clear(layer.claim());
    }
  }

  @GuardedBy("lock")
  private void claim(MountedLayer layer) {
    if (participant != null && !layer.isUsed()) {
      layer.setClaim(participant.claim(ClaimKind.RW_LAYER, layer.name()));
    }
  }

  @GuardedBy("lock")
  private void unclaim(MountedLayer layer) {
    if (participant != null && !layer.isUsed()) {
      participant.clear(layer.claim());
    }
  }

  // Layers

  boolean isEmpty() {
    synchronized (lock) {
      return layers.isEmpty();
    }
  }

  /** The layer, or null. */
  public @Nullable RoLayer find(ChainId chainId) {
    synchronized (lock) {
      return layers.get(chainId);
    }
  }

  /** The layer with one more pin, to be given back with {@link #unpin}. */
  public RoLayer pin(ChainId chainId) throws LayerNotFoundException {
    synchronized (lock) {
      RoLayer layer = require(chainId);
      addPin(layer);
      return layer;
    }
  }

  /** Pins a layer that is in the table, and was not replaced by one of the same identity. */
  public void pin(RoLayer layer) throws LayerNotFoundException {
    synchronized (lock) {
      if (layers.get(layer.chainId()) != layer) {
        throw new LayerNotFoundException(layer.chainId().toString());
      }
      addPin(layer);
    }
  }

  public void unpin(RoLayer layer) {
    synchronized (lock) {
      layer.unpin();
      unclaim(layer);
    }
  }

  /** The layer with one more handle. */
  public RoLayer retain(ChainId chainId) throws LayerNotFoundException {
    synchronized (lock) {
      RoLayer layer = require(chainId);
      addHandle(layer);
      return layer;
    }
  }

  /** The layer with one more handle, or null if there is none. */
  public @Nullable RoLayer retainIfPresent(ChainId chainId) {
    synchronized (lock) {
      RoLayer layer = layers.get(chainId);
      if (layer != null) {
        addHandle(layer);
      }
      return layer;
    }
  }

  /** The layer with one more pin, or null if there is none. */
  @Nullable RoLayer pinIfPresent(ChainId chainId) {
    synchronized (lock) {
      RoLayer layer = layers.get(chainId);
      if (layer != null) {
        addPin(layer);
      }
      return layer;
    }
  }

  /** The layer, held for one image more, or null if there is none. */
  public @Nullable RoLayer holdForImage(ChainId chainId) {
    synchronized (lock) {
      RoLayer layer = layers.get(chainId);
      if (layer != null) {
        imageHolds.merge(chainId, 1, Integer::sum);
      }
      return layer;
    }
  }

  public void dropImageHold(RoLayer layer) {
    synchronized (lock) {
      int holds = imageHolds(layer);
      if (holds == 0) {
        throw new AssertionError("no image holds " + layer.chainId());
      }
      if (holds == 1) {
        imageHolds.remove(layer.chainId());
      } else {
        imageHolds.put(layer.chainId(), holds - 1);
      }
    }
  }

  @GuardedBy("lock")
  private int imageHolds(RoLayer layer) {
    return imageHolds.getOrDefault(layer.chainId(), 0);
  }

  @GuardedBy("lock")
  private RoLayer require(ChainId chainId) throws LayerNotFoundException {
    RoLayer layer = layers.get(chainId);
    if (layer == null) {
      throw new LayerNotFoundException(chainId.toString());
    }
    return layer;
  }

  public void dropHandle(RoLayer layer) {
    synchronized (lock) {
      layer.removeHandle();
      unclaim(layer);
    }
  }

  /**
   * Adds a layer like {@link #addIfAbsent}, with a handle, unless a look at the disk has brought it
   * here already.
   *
   * @return the node in the table
   */
  public RoLayer addWithHandle(RoLayer layer) {
    synchronized (lock) {
      RoLayer node = addIfAbsent(layer);
      addHandle(node);
      return node;
    }
  }

  /**
   * Adds a layer, whose parent is in the table and pinned or otherwise held, unless it is here;
   * returns the node in the table.
   */
  RoLayer addIfAbsent(RoLayer layer) {
    synchronized (lock) {
      RoLayer present = layers.get(layer.chainId());
      if (present != null) {
        if (!present.cacheId().equals(layer.cacheId())) {
          present.heal(layer.record());
        }
        return present;
      }
      addLocked(layer);
      return layer;
    }
  }

  /**
   * Drops layers that are gone from the disk, with all above them; but none that this process
   * holds.
   */
  void forget(ChainId chainId) {
    synchronized (lock) {
      RoLayer layer = layers.get(chainId);
      if (layer == null || layer.isUsed()) {
        return;
      }
      for (ChainId child : layer.usage(0, List.of()).children()) {
        forget(child);
      }
      if (!layer.hasDependents()) {
        layers.remove(chainId);
        RoLayer parent = layer.parent();
        if (parent != null) {
          parent.removeChild(chainId);
        }
      }
    }
  }

  /** Drops a read-write layer that is gone from the disk; but none that this process holds. */
  void forgetMount(MountedLayer layer) {
    synchronized (lock) {
      if (mounts.get(layer.name()) == layer && !layer.isUsed()) {
        removeMount(layer);
      }
    }
  }

  /** Adds a read-write layer unless there is one of that name. */
  void addMountIfAbsent(MountedLayer layer) {
    synchronized (lock) {
      if (!mounts.containsKey(layer.name())) {
        addMount(layer);
      }
    }
  }

  @GuardedBy("lock")
  private void addLocked(RoLayer layer) {
    if (layers.putIfAbsent(layer.chainId(), layer) != null) {
      throw new AssertionError("layer is in the table already: " + layer.chainId());
    }
    RoLayer parent = layer.parent();
    if (parent != null) {
      parent.addChild(layer.chainId());
    }
  }

  /**
   * Takes a layer out if nothing holds it. Its hold on its parent stays until {@link #dropChild}.
   *
   * @return whether it was taken out
   */
  public boolean removeIfUnheld(RoLayer layer) {
    synchronized (lock) {
      if (isHeld(layer) || layers.get(layer.chainId()) != layer) {
        return false;
      }
      layers.remove(layer.chainId());
      return true;
    }
  }

  /** Puts a layer back that {@link #removeIfUnheld} took out and that has not been dropped yet. */
  public void putBack(RoLayer layer) {
    synchronized (lock) {
      layers.put(layer.chainId(), layer);
    }
  }

  public void dropChild(RoLayer parent, ChainId child) {
    synchronized (lock) {
      parent.removeChild(child);
    }
  }

  /** Whether this process holds it, but for images. */
  boolean isUsed(RoLayer layer) {
    synchronized (lock) {
      return layer.isUsed();
    }
  }

  boolean isHeld(RoLayer layer) {
    synchronized (lock) {
      return layer.isHeld() || imageHolds(layer) > 0;
    }
  }

  public boolean hasDependents(RoLayer layer) {
    synchronized (lock) {
      return layer.hasDependents();
    }
  }

  public LayerInfo.Usage usage(RoLayer layer, List<String> otherHolders) {
    synchronized (lock) {
      return layer.usage(imageHolds(layer), otherHolders);
    }
  }

  /** What is known of a layer that nothing else in the data root refers to. */
  public LayerInfo info(RoLayer layer) {
    synchronized (lock) {
      return layer.info(imageHolds(layer), List.of());
    }
  }

  /** All layers, sorted; {@code otherHolders} says who else holds which of them. */
  public List<LayerInfo> layerInfos(Map<ChainId, List<String>> otherHolders) {
    synchronized (lock) {
      List<RoLayer> sorted = new ArrayList<>(layers.values());
      sorted.sort(Comparator.comparing(RoLayer::chainId));
      List<LayerInfo> infos = new ArrayList<>(sorted.size());
      for (RoLayer layer : sorted) {
        infos.add(
            layer.info(imageHolds(layer), otherHolders.getOrDefault(layer.chainId(), List.of())));
      }
      return infos;
    }
  }

  /** The diff IDs of a layer and all below it, bottom first; empty if it is not here. */
  public List<DiffId> diffIds(ChainId top) {
    RoLayer layer = find(top);
    if (layer == null) {
      return List.of();
    }
    DiffId[] ids = new DiffId[layer.depth()];
    for (RoLayer below = layer; below != null; below = below.parent()) {
      ids[below.depth() - 1] = below.record().diffId();
    }
    return List.of(ids);
  }

  Set<ChainId> chainIds() {
    synchronized (lock) {
      return new HashSet<>(layers.keySet());
    }
  }

  /** The chain IDs that begin with {@code prefix}, sorted. */
  public List<ChainId> withPrefix(IdPrefix prefix) {
    synchronized (lock) {
      return prefix.among(layers.keySet(), ChainId::digest);
    }
  }

  /**
   * Drops layers that are not, with all below them, as {@code cacheIds} says; for stores that only
   * read. A handle on one that is dropped stays with it, and reading through it fails.
   */
  void forgetLayersExcept(Map<ChainId, String> cacheIds) {
    synchronized (lock) {
      List<RoLayer> stale = layers.values().stream().filter(l -> !isAsSaid(l, cacheIds)).toList();
      for (RoLayer layer : stale) {
        layers.remove(layer.chainId());
        RoLayer parent = layer.parent();
        if (parent != null) {
          parent.removeChild(layer.chainId());
        }
      }
    }
  }

  private static boolean isAsSaid(RoLayer top, Map<ChainId, String> cacheIds) {
    for (RoLayer layer = top; layer != null; layer = layer.parent()) {
      if (!layer.cacheId().equals(cacheIds.get(layer.chainId()))) {
        return false;
      }
    }
    return true;
  }

  /** Keeps a layer for one above it that could not be loaded. */
  void keepForChild(ChainId kept, ChainId child) {
    synchronized (lock) {
      RoLayer layer = layers.get(kept);
      if (layer != null) {
        layer.addChild(child);
      }
    }
  }

  /** Keeps a layer for a read-write layer above it that could not be loaded. */
  void keepForMount(ChainId kept, String name) {
    synchronized (lock) {
      RoLayer layer = layers.get(kept);
      if (layer != null) {
        layer.addRWLayer(name);
      }
    }
  }

  /** The chain ID of the layer that the driver has as {@code cacheId}, or null. */
  @Nullable ChainId findByCacheId(String cacheId) {
    synchronized (lock) {
      for (RoLayer layer : layers.values()) {
        if (layer.cacheId().equals(cacheId)) {
          return layer.chainId();
        }
      }
      return null;
    }
  }

  // Read-write layers

  public @Nullable MountedLayer findMount(String name) {
    synchronized (lock) {
      return mounts.get(name);
    }
  }

  public MountedLayer requireMount(String name) throws RWLayerNotFoundException {
    synchronized (lock) {
      MountedLayer layer = mounts.get(name);
      if (layer == null) {
        throw new RWLayerNotFoundException(name);
      }
      return layer;
    }
  }

  public MountedLayer retainMount(String name) throws RWLayerNotFoundException {
    synchronized (lock) {
      MountedLayer layer = requireMount(name);
      claim(layer);
      layer.addHandle();
      return layer;
    }
  }

  void addMount(MountedLayer layer) {
    synchronized (lock) {
      if (mounts.putIfAbsent(layer.name(), layer) != null) {
        throw new AssertionError("read-write layer is in the table already: " + layer.name());
      }
      RoLayer parent = layer.parent();
      if (parent != null) {
        parent.addRWLayer(layer.name());
      }
    }
  }

  /**
   * Adds a read-write layer like {@link #addMount}, with a handle, unless a look at the disk has
   * brought it here already.
   *
   * @return the node in the table
   */
  public MountedLayer addMountWithHandle(MountedLayer layer) {
    synchronized (lock) {
      MountedLayer present = mounts.get(layer.name());
      if (present == null) {
        addMount(layer);
      }
      MountedLayer node = present == null ? layer : present;
      claim(node);
      node.addHandle();
      return node;
    }
  }

  public void dropMountHandle(MountedLayer layer) {
    synchronized (lock) {
      layer.removeHandle();
      unclaim(layer);
    }
  }

  public int mountHandles(MountedLayer layer) {
    synchronized (lock) {
      return layer.handles();
    }
  }

  /** How many mounts of it the store holds. */
  public int mountCount(MountedLayer layer) {
    synchronized (lock) {
      return layer.mounts();
    }
  }

  /** Counts a mount of a read-write layer that is still in the table. */
  public void countMount(MountedLayer layer) throws LayerNotRetainedException {
    synchronized (lock) {
      if (mounts.get(layer.name()) != layer) {
        throw new LayerNotRetainedException(layer.name());
      }
      claim(layer);
      layer.addMount();
    }
  }

  public void uncountMount(MountedLayer layer) {
    synchronized (lock) {
      layer.removeMount();
      unclaim(layer);
    }
  }

  /** Takes a read-write layer out; its hold on its parent goes with it. */
  public void removeMount(MountedLayer layer) {
    synchronized (lock) {
      mounts.remove(layer.name());
      RoLayer parent = layer.parent();
      if (parent != null) {
        parent.removeRWLayer(layer.name());
      }
    }
  }

  /** Whether a read-write layer in the table has neither handles nor mounts. */
  public boolean isUnused(MountedLayer layer) {
    synchronized (lock) {
      return mounts.get(layer.name()) == layer && layer.handles() == 0 && layer.mounts() == 0;
    }
  }

  /** All read-write layers. */
  List<MountedLayer> allMounts() {
    synchronized (lock) {
      return new ArrayList<>(mounts.values());
    }
  }

  /** The temporary read-write layers. */
  public List<MountedLayer> temporaryMounts() {
    synchronized (lock) {
      return mounts.values().stream().filter(MountedLayer::isTemporary).toList();
    }
  }

  public List<RWLayerInfo> mountInfos() {
    synchronized (lock) {
      List<RWLayerInfo> infos = new ArrayList<>(mounts.size());
      for (MountedLayer layer : mounts.values()) {
        infos.add(layer.info());
      }
      return infos;
    }
  }

  /**
   * Drops read-write layers that are not as {@code mountIds} says, by name, and those on layers
   * that were dropped; for stores that only read.
   */
  void forgetMountsExcept(Map<String, String> mountIds) {
    synchronized (lock) {
      for (MountedLayer layer : new ArrayList<>(mounts.values())) {
        RoLayer parent = layer.parent();
        boolean isOnDropped = parent != null && layers.get(parent.chainId()) != parent;
        if (isOnDropped || !layer.mountId().equals(mountIds.get(layer.name()))) {
          removeMount(layer);
        }
      }
    }
  }

  /** Every driver id that a layer or read-write layer in the table uses. */
  Set<String> driverIds() {
    synchronized (lock) {
      Set<String> ids = new HashSet<>();
      for (RoLayer layer : layers.values()) {
        ids.add(layer.cacheId());
      }
      for (MountedLayer layer : mounts.values()) {
        ids.add(layer.mountId());
        String initId = layer.record().initId();
        if (initId != null) {
          ids.add(initId);
        }
      }
      return ids;
    }
  }

  /** Driver ids, with {@code ", "} between them, as the names their layers have for users. */
  public String namesOf(String driverIds) {
    return namesOf(driverIds, "", "");
  }

  /** The same user, with what it has mounted by names instead of the driver's IDs. */
  public StoreUser withNames(StoreUser user) {
    List<String> holds =
        user.holds().stream()
            .map(
                hold ->
                    hold.startsWith(MOUNT_OF)
                        ? MOUNT_OF
                            + namesOf(
                                hold.substring(MOUNT_OF.length()), "read-write layer ", "layer ")
                        : hold)
            .sorted()
            .toList();
    return new StoreUser(
        user.pid(), user.command(), user.since(), user.isExclusive(), user.isThisStore(), holds);
  }

  private String namesOf(String driverIds, String beforeName, String beforeId) {
    synchronized (lock) {
      Map<String, String> names = new HashMap<>();
      mounts.values().forEach(layer -> names.put(layer.mountId(), beforeName + layer.name()));
      layers.values().forEach(layer -> names.put(layer.cacheId(), beforeId + layer.chainId()));
      return Arrays.stream(driverIds.split(", ", -1))
          .map(id -> names.getOrDefault(id, id))
          .collect(Collectors.joining(", "));
    }
  }
}
