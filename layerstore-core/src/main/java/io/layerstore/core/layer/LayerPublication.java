package io.layerstore.core.layer;

import io.layerstore.ChainId;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerStoreException;
import io.layerstore.StoreCorruptedException;
import io.layerstore.core.state.RoLayer;
import io.layerstore.core.state.StoreContext;
import io.layerstore.spi.LayerRecord;
import io.layerstore.spi.MetadataStore.Leftover;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The last step of a registration, under the lock of the chain ID: makes the new layer visible, or
 * finds that an equal one is there.
 *
 * <p>If a layer of that chain ID is there and damaged, the new one heals it:
 *
 * <ul>
 *   <li>if its files still are what the new tar-split says, only the metadata is replaced, so that
 *       layers above keep their ground;
 *   <li>otherwise the new files take its place; under its cache ID, if other layers stand on it and
 *       the driver has their files in layers below. The old ones are removed, if need be later.
 * </ul>
 *
 * <p>Layers that could not be loaded because they stand on it are for the caller to load then: that
 * takes other locks.
 */
final class LayerPublication {

  private static final Logger log = LoggerFactory.getLogger(LayerPublication.class);

  private final StoreContext store;
  private final LayerHealth health;
  private final PendingLayer pending;
  private final LayerRecord record;
  private final @Nullable RoLayer parent;
  private final boolean verifies;

  /**
   * @param verifies whether the content of an equal layer that is there is read
   */
  LayerPublication(
      StoreContext store,
      LayerHealth health,
      PendingLayer pending,
      LayerRecord record,
      @Nullable RoLayer parent,
      boolean verifies) {
    this.store = store;
    this.health = health;
    this.pending = pending;
    this.record = record;
    this.parent = parent;
    this.verifies = verifies;
  }

  /**
   * A layer that is visible.
   *
   * @param layer its node, with one handle more
   * @param isBack whether it was on disk but not in the store's table, and so were the layers on it
   */
  record Published(RoLayer layer, boolean isBack) {}

  /** Publishes. */
  Published publish() throws LayerStoreException {
    ChainId chainId = record.chainId();
    RoLayer existing = store.find(chainId);
    if (existing != null && health.isSound(existing, verifies)) {
      pending.discard();
      return new Published(store.retain(chainId), false);
    }
    LayerRecord onDisk = existing != null ? existing.record() : readFromDisk(chainId);
    if (existing == null && onDisk != null) {
      // Its parent was damaged when the store was opened, so that it could not be loaded; the
      // parent is back.
      RoLayer revived = new RoLayer(onDisk, parent);
      if (health.isSound(revived, verifies)) {
        pending.discard();
        return new Published(store.table().addWithHandle(revived), true);
      }
    }
    boolean isMetadataPresent = onDisk != null || isOnDisk(chainId);
    if (isMetadataPresent) {
      return new Published(heal(existing, onDisk), existing == null);
    }
    commit(record);
    RoLayer layer = store.table().addWithHandle(newNode(record));
    store.sharing().published();
    log.info(
        "registered layer {} (diff id {}, {} bytes)", chainId, record.diffId(), record.sizeBytes());
    return new Published(layer, false);
  }

  private RoLayer newNode(LayerRecord committed) {
    RoLayer layer = new RoLayer(committed, parent);
    layer.setHealth(RoLayer.Health.SOUND);
    return layer;
  }

  private void commit(LayerRecord committed) throws LayerStoreException {
    store.requireWritable();
    store.critical().run(() -> pending.transaction().commit(committed));
    if (committed.cacheId().equals(record.cacheId())) {
      pending.keep();
    }
  }

  /** The metadata on disk, or null if there is none or it cannot be trusted. */
  private @Nullable LayerRecord readFromDisk(ChainId chainId) throws LayerStoreException {
    try {
      return store.metadata().layer(chainId);
    } catch (LayerNotFoundException e) {
      return null;
    } catch (StoreCorruptedException e) {
      log.debug("no metadata of {} to use: {}", chainId, e.getMessage());
      return null;
    }
  }

  private boolean isOnDisk(ChainId chainId) throws LayerStoreException {
    try {
      store.metadata().layer(chainId);
      return true;
    } catch (LayerNotFoundException e) {
      return false;
    } catch (StoreCorruptedException e) {
      return true;
    }
  }

  private RoLayer heal(@Nullable RoLayer existing, @Nullable LayerRecord old)
      throws LayerStoreException {
    store.requireWritable();
    boolean hasGoodFiles = old != null && oldFilesAreGood(old);
    log.info("healing layer {}: {}", record.chainId(), hasGoodFiles ? "its metadata" : "its files");
    boolean hasDependents =
        existing != null ? store.table().hasDependents(existing) : hasChildrenOnDisk();
    boolean isExchanged = !hasGoodFiles && old != null && hasDependents && exchangeFiles(old);
    boolean keepsOldFiles = hasGoodFiles || isExchanged;
    LayerRecord healed = old != null && keepsOldFiles ? withCacheId(old) : record;
    boolean dropsOldFiles = !hasDependents && (old == null || isFilesOfThisLayer(old.cacheId()));
    store.critical().run(() -> replace(healed, keepsOldFiles, dropsOldFiles));
    if (existing != null) {
      existing.heal(healed);
    }
    RoLayer layer = store.table().addWithHandle(newNode(healed));
    store.sharing().replaced();
    return layer;
  }

  /**
   * Puts the new files under the old cache ID, before the metadata changes: whenever the process
   * dies, the layer is as damaged as it was, or its files are sound already.
   */
  private boolean exchangeFiles(LayerRecord old) throws LayerStoreException {
    return isFilesOfThisLayer(old.cacheId())
        && store
            .critical()
            .call(
                () ->
                    store
                        .driver()
                        .exchangeFiles(
                            old.cacheId(),
                            record.cacheId(),
                            parent == null ? null : parent.cacheId()));
  }

  private void replace(LayerRecord healed, boolean keepsOldFiles, boolean dropsOldFiles)
      throws LayerStoreException {
    Leftover old = pending.transaction().replace(healed, dropsOldFiles);
    if (keepsOldFiles) {
      try {
        pending.discard();
      } catch (LayerStoreException | RuntimeException e) {
        // As below.
        log.warn("the damaged files stay until the next cleanup or open: {}", e.getMessage());
      }
      return;
    }
    pending.keep();
    pending.transaction().close();
    String oldCacheId = old == null ? null : old.cacheId();
    if (old != null && oldCacheId != null && isFilesOfThisLayer(oldCacheId)) {
      try {
        store.driver().remove(oldCacheId);
        store.metadata().discard(old);
      } catch (LayerStoreException | RuntimeException e) {
        // The layer is healed; that its old files are still there must not undo it.
        store.metadata().postpone(old);
        log.warn("the damaged files {} stay until the next cleanup or open", oldCacheId, e);
      }
    }
  }

  /** Whether no other layer uses these files; a damaged cache id may say anything. */
  private boolean isFilesOfThisLayer(String cacheId) {
    return store.table().layerInfos(Map.of()).stream()
            .noneMatch(
                info -> info.cacheId().equals(cacheId) && !info.chainId().equals(record.chainId()))
        && store.table().mountInfos().stream()
            .noneMatch(
                info ->
                    info.mountId().equals(cacheId)
                        || info.initId().filter(cacheId::equals).isPresent());
  }

  /** Whether layers that could not be loaded stand on this one. */
  private boolean hasChildrenOnDisk() throws LayerStoreException {
    for (ChainId other : store.metadata().layers()) {
      LayerRecord child = readFromDisk(other);
      if (child != null && record.chainId().equals(child.parent())) {
        return true;
      }
    }
    return false;
  }

  private LayerRecord withCacheId(LayerRecord old) {
    return new LayerRecord(
        record.chainId(),
        record.diffId(),
        record.parent(),
        old.cacheId(),
        record.sizeBytes(),
        record.descriptor());
  }

  private boolean oldFilesAreGood(LayerRecord old) throws LayerStoreException {
    if (!health.isInOrder(old.cacheId(), parent == null ? null : parent.cacheId())) {
      return false;
    }
    return health.verifies(
        () -> pending.transaction().readTarSplit(), old.cacheId(), record.diffId());
  }
}
