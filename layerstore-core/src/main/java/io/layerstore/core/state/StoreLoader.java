package io.layerstore.core.state;

import io.layerstore.ChainId;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.RWLayerNotFoundException;
import io.layerstore.RecoveryReport.Finding;
import io.layerstore.RecoveryReport.Kind;
import io.layerstore.StoreCorruptedException;
import io.layerstore.driver.KeyedLock;
import io.layerstore.spi.LayerRecord;
import io.layerstore.spi.RWLayerRecord;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fills the table of a store from its metadata.
 *
 * <p>What cannot be trusted is reported and left alone, and so is what stands on it; everything
 * else loads. What it stands on cannot be deleted, as far as it can be told: by its own metadata,
 * or for a read-write layer that names no parent, by the driver. A driver that copies needs no
 * parent, so there such a read-write layer loads as one on nothing, as in Docker. What can be
 * trusted but not used, because its files or its tar-split are gone, loads and is reported. Nothing
 * is repaired here.
 */
@SuppressWarnings("try") // Locks are held by scope, not by name.
public final class StoreLoader {

  private static final Logger log = LoggerFactory.getLogger(StoreLoader.class);

  /** What every gzip file begins with. */
  private static final int[] GZIP_MAGIC = {0x1f, 0x8b};

  private final StoreContext store;

  /** What is wrong with layers that were added all the same. */
  private final Map<ChainId, String> damaged = new HashMap<>();

  /** What was read at once; where something is not in these, it is read by itself. */
  private Map<ChainId, LayerRecord> intactRecords = Map.of();

  private Set<String> intactFiles = Set.of();

  public StoreLoader(StoreContext store) {
    this.store = store;
  }

  /**
   * Loads every layer and read-write layer that is not in the table yet; returns what could not be
   * loaded.
   */
  public List<Finding> load() throws LayerStoreException {
    // Before anything is read: what changes meanwhile makes another state of it.
    store.sharing().beginLooking();
    return load(store.metadata().state());
  }

  private List<Finding> load(OptionalLong state) throws LayerStoreException {
    List<Finding> findings = loadOnce(store.table().isEmpty());
    if (!findings.isEmpty() && store.options().readOnly()) {
      // Somebody may be at work on what a store only reads: what was half there is looked at again.
      findings = loadOnce(false);
    }
    store.sharing().setStateSeen(findings.isEmpty() ? state : OptionalLong.empty());
    return findings;
  }

  private List<Finding> loadOnce(boolean atOnce) throws LayerStoreException {
    List<Finding> findings = new ArrayList<>();
    List<ChainId> listed = store.metadata().layers();
    intactRecords = atOnce ? store.metadata().intactLayers(listed) : Map.of();
    intactFiles = atOnce ? store.driver().intact(parentsInDriver()) : Set.of();
    damaged.keySet().removeIf(this::isInOrderNow);
    loadLayers(listed, findings);
    loadMounts(findings);
    return findings;
  }

  /**
   * Looks again at the layers of a store that only reads: another process may have changed the
   * root.
   */
  public static void refreshIfReadOnly(StoreContext store) throws LayerStoreException {
    if (store.options().readOnly()) {
      synchronized (store) {
        OptionalLong state = store.metadata().state();
        if (state.isEmpty() || !state.equals(store.sharing().stateSeen())) {
          new StoreLoader(store).loadAndForget(state);
        }
      }
    }
  }

  /**
   * Brings the table of a store that only reads up to date: drops what is gone, or was deleted and
   * made again, and loads what is new.
   */
  private void loadAndForget(OptionalLong state) throws LayerStoreException {
    Map<ChainId, String> cacheIds = new HashMap<>();
    for (ChainId chainId : store.metadata().layers()) {
      try {
        cacheIds.put(chainId, store.metadata().cacheId(chainId));
      } catch (LayerNotFoundException e) {
        log.debug("layer {} went while the layers were listed", chainId);
      } catch (LayerStoreException e) {
        RoLayer known = store.table().find(chainId);
        if (known != null) {
          cacheIds.put(chainId, known.cacheId());
        }
      }
    }
    store.table().forgetLayersExcept(cacheIds);
    Map<String, String> mountIds = new HashMap<>();
    for (String name : store.metadata().rwLayers()) {
      try {
        mountIds.put(name, store.metadata().rwLayer(name).mountId());
      } catch (LayerStoreException e) {
        log.debug("read-write layer {} is not known any more", name, e);
      }
    }
    store.table().forgetMountsExcept(mountIds);
    load(state);
  }

  private Map<String, Optional<String>> parentsInDriver() {
    Map<String, Optional<String>> parents = new HashMap<>();
    // Two layers with the same files, on different ones: something is wrong with at least one.
    Set<String> ambiguous = new HashSet<>();
    for (LayerRecord record : intactRecords.values()) {
      LayerRecord parent = record.parent() == null ? null : intactRecords.get(record.parent());
      if (record.parent() == null || parent != null) {
        Optional<String> below = Optional.ofNullable(parent).map(LayerRecord::cacheId);
        if (!below.equals(parents.computeIfAbsent(record.cacheId(), id -> below))) {
          ambiguous.add(record.cacheId());
        }
      }
    }
    parents.keySet().removeAll(ambiguous);
    return parents;
  }

  private void loadLayers(List<ChainId> listed, List<Finding> findings) throws LayerStoreException {
    Map<ChainId, String> failed = new HashMap<>();
    for (ChainId chainId : listed) {
      loadChain(chainId, failed);
    }
    if (store.options().readOnly()) {
      leaveOutWhatWent(failed, listed);
    }
    store.sharing().noteUnusable(failed.keySet());
    for (ChainId chainId : damaged.keySet().stream().sorted().toList()) {
      findings.add(
          new Finding(Kind.DAMAGED_LAYER, chainId.toString(), damaged.getOrDefault(chainId, "")));
    }
    for (ChainId chainId : failed.keySet().stream().sorted().toList()) {
      keepBelow(chainId);
      findings.add(
          new Finding(Kind.DAMAGED_LAYER, chainId.toString(), failed.getOrDefault(chainId, "")));
    }
  }

  /** A layer that another process deleted after it was listed is not damaged. */
  private void leaveOutWhatWent(Map<ChainId, String> failed, List<ChainId> listed) {
    Set<ChainId> gone =
        failed.keySet().stream().filter(this::isGone).collect(Collectors.toUnmodifiableSet());
    boolean allAreGone = gone.size() == failed.size();
    // What was never there is missing to a layer that is.
    Set<ChainId> known = Set.copyOf(listed);
    failed.keySet().removeIf(id -> gone.contains(id) && (allAreGone || known.contains(id)));
  }

  private boolean isGone(ChainId chainId) {
    try {
      store.metadata().layer(chainId);
      return false;
    } catch (LayerNotFoundException e) {
      return true;
    } catch (LayerStoreException e) {
      return false;
    }
  }

  /**
   * Loads one layer after those below it. A chain ID is a hash over its parent's, so parents cannot
   * form a cycle.
   */
  private void loadChain(ChainId top, Map<ChainId, String> failed) {
    Deque<LayerRecord> pending = new ArrayDeque<>();
    ChainId next = top;
    String problem = null;
    while (next != null && store.table().find(next) == null) {
      problem = failed.get(next);
      if (problem == null) {
        problem = read(next, pending);
      }
      if (problem != null) {
        break;
      }
      next = pending.getFirst().parent();
    }
    if (problem != null && next != null) {
      failed.putIfAbsent(next, problem);
    }
    while (!pending.isEmpty()) {
      LayerRecord record = pending.removeFirst();
      if (problem == null) {
        problem = add(record);
      }
      if (problem != null) {
        ChainId parent = record.parent();
        failed.putIfAbsent(
            record.chainId(),
            failed.containsKey(record.chainId())
                ? problem
                : "its parent " + parent + " is not usable");
      }
    }
  }

  /** Puts the record on {@code pending}; returns what is wrong with it, or null. */
  private @Nullable String read(ChainId chainId, Deque<LayerRecord> pending) {
    try {
      LayerRecord intact = intactRecords.get(chainId);
      pending.addFirst(intact == null ? store.metadata().layer(chainId) : intact);
      return null;
    } catch (LayerNotFoundException e) {
      return "there is no metadata of it";
    } catch (LayerStoreException e) {
      return message(e);
    }
  }

  /**
   * Adds a record whose parent is in the table, unless that layer is there; returns why it was not
   * added, or null. What is added may be damaged.
   */
  @Nullable String add(LayerRecord record) {
    ChainId parentId = record.parent();
    RoLayer parent = parentId == null ? null : store.table().find(parentId);
    if (parentId != null && parent == null) {
      return "its parent " + parentId + " is not usable";
    }
    RoLayer layer = new RoLayer(record, parent);
    if (layer.depth() > LayerStore.MAX_DEPTH) {
      return "its chain has more than " + LayerStore.MAX_DEPTH + " layers";
    }
    String damage = damage(record, parent);
    if (damage != null) {
      layer.setHealth(RoLayer.Health.DAMAGED);
      damaged.put(record.chainId(), damage);
    }
    store.table().addIfAbsent(layer);
    return null;
  }

  /**
   * What is wrong with a layer whose metadata can be trusted, as far as a few looks tell; null if
   * nothing.
   */
  @SuppressWarnings("ReferenceEquality") // Of this very reading.
  private @Nullable String damage(LayerRecord record, @Nullable RoLayer parent) {
    try {
      String problem =
          intactFiles.contains(record.cacheId())
              ? null
              : problem(record.cacheId(), parent == null ? null : parent.cacheId());
      if (problem == null && record != intactRecords.get(record.chainId())) {
        requireGzip(record.chainId());
      }
      return problem;
    } catch (IOException e) {
      return message(e);
    }
  }

  /** Whether a layer that was half there at the first look is whole, or gone. */
  private boolean isInOrderNow(ChainId chainId) {
    RoLayer layer = store.table().find(chainId);
    if (layer == null || damage(layer.record(), layer.parent()) != null) {
      return layer == null;
    }
    layer.setHealth(RoLayer.Health.UNKNOWN);
    return true;
  }

  private void requireGzip(ChainId chainId) throws IOException {
    try (InputStream tarSplit = store.metadata().tarSplit(chainId)) {
      if (tarSplit.read() != GZIP_MAGIC[0] || tarSplit.read() != GZIP_MAGIC[1]) {
        throw new StoreCorruptedException(chainId.toString(), "its tar-split is not gzip");
      }
    }
  }

  private @Nullable String problem(String id, @Nullable String parent) throws LayerStoreException {
    return store.driver().problem(id, parent).orElse(null);
  }

  private void loadMounts(List<Finding> findings) throws LayerStoreException {
    for (String name : store.metadata().rwLayers()) {
      if (store.table().findMount(name) != null) {
        continue;
      }
      String problem = loadMount(name);
      if (problem != null) {
        keepBelowMount(name);
      } else {
        problem = damageOfMount(name);
      }
      if (problem != null) {
        findings.add(new Finding(Kind.DAMAGED_RW_LAYER, name, problem));
      }
    }
  }

  /** What is wrong with a read-write layer that was loaded, as far as the driver's notes tell. */
  private @Nullable String damageOfMount(String name) {
    MountedLayer layer = store.table().findMount(name);
    if (layer == null) {
      return null;
    }
    try {
      String initId = layer.record().initId();
      RoLayer parent = layer.parent();
      String below = parent == null ? null : parent.cacheId();
      RoLayer damagedBelow = damagedBelow(parent);
      if (damagedBelow != null) {
        return "the layer " + damagedBelow.chainId() + " that it stands on is damaged";
      }
      String problem = initId == null ? null : problem(initId, below);
      return problem != null ? problem : problem(layer.mountId(), layer.driverParent());
    } catch (LayerStoreException e) {
      return message(e);
    }
  }

  /** The first damaged layer from {@code top} down that a layer on it needs; null if none is. */
  private @Nullable RoLayer damagedBelow(@Nullable RoLayer top) {
    // A driver that copies needs the layer directly below, to tell what was changed.
    boolean copies = store.driver().traits().executesWhiteouts();
    for (RoLayer layer = top; layer != null; layer = copies ? null : layer.parent()) {
      if (layer.health() == RoLayer.Health.DAMAGED) {
        return layer;
      }
    }
    return null;
  }

  /** Loads a read-write layer; returns what is wrong with it, or null. */
  private @Nullable String loadMount(String name) {
    try {
      return loadMount(store.metadata().rwLayer(name));
    } catch (RWLayerNotFoundException e) {
      // Removed since it was listed, which another process may do while this one only reads.
      return null;
    } catch (LayerStoreException e) {
      return message(e);
    }
  }

  /** Loads a read-write layer unless it is in the table; returns what is wrong with it, or null. */
  @Nullable String loadMount(RWLayerRecord record) {
    try {
      ChainId parentId = record.parent();
      RoLayer parent = parentId == null ? null : store.table().find(parentId);
      if (parentId != null && parent == null) {
        return "its parent " + parentId + " is not usable";
      }
      ChainId needed = parentId == null ? parentInDriver(record) : null;
      if (needed != null) {
        store.table().keepForMount(needed, record.name());
        return "its metadata names no parent, but its files stand on "
            + needed
            + ", which is kept; put that into the file \"parent\" of it";
      }
      store.table().addMountIfAbsent(new MountedLayer(record, parent));
      return null;
    } catch (LayerStoreException e) {
      return message(e);
    }
  }

  /**
   * The layer that the files of a read-write layer stand on, by the driver's own note. A process
   * that died while it made the read-write layer may have left its metadata without it.
   */
  private @Nullable ChainId parentInDriver(RWLayerRecord record) throws LayerStoreException {
    String initId = record.initId();
    String lowest = initId == null ? record.mountId() : initId;
    if (!store.driver().exists(lowest)) {
      return null;
    }
    String cacheId = store.driver().neededParent(lowest).orElse(null);
    return cacheId == null ? null : store.table().findByCacheId(cacheId);
  }

  /** Nobody may delete what a layer that cannot be loaded stands on: it may be mended one day. */
  private void keepBelow(ChainId damaged) throws LayerStoreException {
    ChainId parent = store.metadata().parentOf(damaged);
    if (parent != null && !store.options().readOnly()) {
      store.table().keepForChild(parent, damaged);
    }
  }

  private void keepBelowMount(String damaged) throws LayerStoreException {
    ChainId parent = store.metadata().parentOfRWLayer(damaged);
    if (parent != null && !store.options().readOnly()) {
      store.table().keepForMount(parent, damaged);
    }
  }

  private static String message(Exception e) {
    return e.getMessage() == null ? e.toString() : e.getMessage();
  }

  /**
   * Loads what {@link #load} could not because a layer below was damaged, now that the layer is
   * back. Whoever calls it holds none of the store's locks.
   */
  public void loadAgain() throws LayerStoreException {
    List<ChainId> missing = new ArrayList<>(store.metadata().layers());
    // A layer can only be loaded after its parent, and chain IDs are in no such order.
    while (missing.removeIf(this::loadAgain)) {
      log.debug("{} layers are still to be loaded", missing.size());
    }
    for (String name : store.metadata().rwLayers()) {
      try (KeyedLock.Held held = store.nameLock().acquire(name)) {
        if (store.table().findMount(name) == null) {
          String problem = loadMount(name);
          log.debug("read-write layer {}: {}", name, problem == null ? "is back" : problem);
        }
      }
    }
  }

  /** Whether the layer is in the table after another try. */
  private boolean loadAgain(ChainId chainId) {
    try (KeyedLock.Held held = store.chainLock().acquire(chainId)) {
      if (store.table().find(chainId) != null) {
        return true;
      }
      LayerRecord record = store.metadata().layer(chainId);
      ChainId parentId = record.parent();
      if (parentId == null) {
        return add(record) == null;
      }
      RoLayer parent = store.table().pin(parentId);
      try {
        return add(record) == null;
      } finally {
        store.table().unpin(parent);
      }
    } catch (LayerStoreException e) {
      log.debug("layer {} cannot be loaded yet: {}", chainId, e.getMessage());
      return false;
    }
  }
}
