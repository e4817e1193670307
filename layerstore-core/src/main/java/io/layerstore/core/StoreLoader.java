package io.layerstore.core;

import io.layerstore.ChainId;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.MountNotFoundException;
import io.layerstore.RecoveryReport.Finding;
import io.layerstore.RecoveryReport.Kind;
import io.layerstore.spi.LayerRecord;
import io.layerstore.spi.MountRecord;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Fills the table of a store from its metadata.
 *
 * <p>What cannot be trusted is reported and left alone, and so is what stands on it; everything
 * else loads. Nothing is repaired here.
 */
final class StoreLoader {

  private final StoreContext store;

  StoreLoader(StoreContext store) {
    this.store = store;
  }

  /**
   * Loads every layer and read-write layer that is not in the table yet; returns what could not be
   * loaded.
   */
  List<Finding> load() throws LayerStoreException {
    List<Finding> findings = new ArrayList<>();
    loadLayers(findings);
    loadMounts(findings);
    return findings;
  }

  private void loadLayers(List<Finding> findings) throws LayerStoreException {
    Map<ChainId, String> failed = new HashMap<>();
    for (ChainId chainId : store.metadata().layers()) {
      loadChain(chainId, failed);
    }
    for (ChainId chainId : failed.keySet().stream().sorted().toList()) {
      findings.add(
          new Finding(Kind.DAMAGED_LAYER, chainId.toString(), failed.getOrDefault(chainId, "")));
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
      pending.addFirst(store.metadata().layer(chainId));
      return null;
    } catch (LayerNotFoundException e) {
      return "there is no metadata of it";
    } catch (LayerStoreException e) {
      return e.getMessage() == null ? e.toString() : e.getMessage();
    }
  }

  /** Adds a record whose parent is in the table; returns what is wrong with it, or null. */
  private @Nullable String add(LayerRecord record) {
    ChainId parentId = record.parent();
    RoLayer parent = parentId == null ? null : store.table().find(parentId);
    if (parentId != null && parent == null) {
      return "its parent " + parentId + " is not usable";
    }
    RoLayer layer = new RoLayer(record, parent);
    if (layer.depth() > LayerStore.MAX_DEPTH) {
      return "its chain has more than " + LayerStore.MAX_DEPTH + " layers";
    }
    store.table().add(layer);
    return null;
  }

  private void loadMounts(List<Finding> findings) throws LayerStoreException {
    for (String name : store.metadata().mounts()) {
      if (store.table().findMount(name) != null) {
        continue;
      }
      try {
        MountRecord record = store.metadata().mount(name);
        ChainId parentId = record.parent();
        RoLayer parent = parentId == null ? null : store.table().find(parentId);
        if (parentId != null && parent == null) {
          findings.add(
              new Finding(
                  Kind.DAMAGED_RW_LAYER, name, "its parent " + parentId + " is not usable"));
        } else {
          store.table().addMount(new MountedLayer(record, parent));
        }
      } catch (MountNotFoundException e) {
        // Removed since it was listed, which another process may do while this one only reads.
      } catch (LayerStoreException e) {
        findings.add(
            new Finding(
                Kind.DAMAGED_RW_LAYER,
                name,
                e.getMessage() == null ? e.toString() : e.getMessage()));
      }
    }
  }
}
