package io.layerstore.core.layer;

import io.layerstore.LayerInfo;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerStoreException;
import io.layerstore.core.state.RoLayer;
import io.layerstore.core.state.StoreContext;
import io.layerstore.driver.KeyedLock;
import io.layerstore.spi.MetadataStore.Leftover;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes layers that nothing holds: from one layer down its chain, as far as nothing else holds
 * them, in this store or outside it.
 *
 * <p>For each, in this order: out of the table, metadata aside, the driver's files, the rest of the
 * metadata. A crash or a failure in between leaves the metadata aside as the record of what remains
 * to be removed. If the first step fails, the layer stays.
 */
@SuppressWarnings("try") // Locks and calls are held by scope, not by name.
public final class LayerRelease {

  private static final Logger log = LoggerFactory.getLogger(LayerRelease.class);

  private final StoreContext store;
  private final Queue<RoLayer> postponed = new ConcurrentLinkedQueue<>();

  public LayerRelease(StoreContext store) {
    this.store = store;
  }

  /**
   * Deletes {@code top} if nothing holds it, then its parent likewise, and so on; returns what was
   * deleted, child first.
   */
  public List<LayerInfo> deleteUnheld(@Nullable RoLayer top) throws LayerStoreException {
    List<LayerInfo> deleted = new ArrayList<>();
    RoLayer next = top;
    while (next != null) {
      try (KeyedLock.Held held = store.chainLock().acquire(next.chainId())) {
        RoLayer layer = store.ifUnusedAsOnDisk(next);
        if (layer == null) {
          return deleted;
        }
        if (!store.docker(layer).isEmpty()) {
          log.debug("layer {} stays: {}", layer.chainId(), store.docker(layer));
          return deleted;
        }
        if (!deleteIfUnheld(layer)) {
          return deleted;
        }
        deleted.add(store.table().info(layer));
        next = layer.parent();
      }
    }
    return deleted;
  }

  /**
   * Deletes a layer that the caller has just made and that nothing in this store holds. Nobody else
   * is asked, which needs a file to be read: it was not there for anybody else before.
   *
   * <p>If that fails, {@link #takeBackPostponed} tries it again.
   */
  public void takeBack(RoLayer layer) throws LayerStoreException {
    try (KeyedLock.Held held = store.chainLock().acquire(layer.chainId())) {
      if (!deleteIfUnheld(layer) && !postponed.isEmpty()) {
        // One of those may stand on it.
        postponed.add(layer);
      }
    } catch (LayerStoreException | RuntimeException | Error e) {
      postponed.add(layer);
      throw e;
    }
  }

  /**
   * Takes back what could not be before, unless something holds it by now.
   *
   * @throws LayerStoreException if it fails again; what is left can be tried once more
   */
  public void takeBackPostponed() throws LayerStoreException {
    // In the order in which it failed: children before their parents.
    for (RoLayer layer : List.copyOf(postponed)) {
      try (KeyedLock.Held held = store.chainLock().acquire(layer.chainId())) {
        deleteIfUnheld(layer);
      }
      postponed.remove(layer);
    }
  }

  private boolean deleteIfUnheld(RoLayer layer) throws LayerStoreException {
    Leftover aside =
        store.hideIfUnheld(layer, () -> store.table().removeIfUnheld(layer) ? hide(layer) : null);
    if (aside == null) {
      return false;
    }
    RoLayer parent = layer.parent();
    try {
      store.critical().run(() -> deleteHidden(layer, aside));
    } finally {
      if (parent != null) {
        store.table().dropChild(parent, layer.chainId());
      }
    }
    log.info("deleted layer {}", layer.chainId());
    return true;
  }

  /** Hides a layer that is out of the table; if that fails it comes back, for nothing was done. */
  private Leftover hide(RoLayer layer) throws LayerStoreException {
    try {
      return store.critical().call(() -> store.metadata().beginRemoval(layer.chainId()));
    } catch (LayerNotFoundException e) {
      // Somebody has removed its metadata by hand.
      RoLayer parent = layer.parent();
      if (parent != null) {
        store.table().dropChild(parent, layer.chainId());
      }
      throw e;
    } catch (LayerStoreException | RuntimeException | Error e) {
      store.table().putBack(layer);
      throw e;
    }
  }

  private void deleteHidden(RoLayer layer, Leftover aside) throws LayerStoreException {
    try {
      store.driver().remove(layer.cacheId());
    } catch (LayerStoreException e) {
      throw DriverFailures.named("layer " + layer.chainId(), e);
    }
    store.metadata().discard(aside);
  }
}
