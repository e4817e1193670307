package io.layerstore.core.layer;

import io.layerstore.ChainId;
import io.layerstore.DriverException;
import io.layerstore.Durability;
import io.layerstore.LayerStoreException;
import io.layerstore.MountBusyException;
import io.layerstore.MountOptions;
import io.layerstore.NameConflictException;
import io.layerstore.RWLayerOptions;
import io.layerstore.core.share.ClaimKind;
import io.layerstore.core.state.MountedLayer;
import io.layerstore.core.state.RoLayer;
import io.layerstore.core.state.StoreContext;
import io.layerstore.core.state.StoreLifecycle;
import io.layerstore.core.work.Interrupts;
import io.layerstore.driver.KeyedLock;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.DriverIds;
import io.layerstore.spi.MetadataStore.UnfinishedRWLayer;
import io.layerstore.spi.RWLayerRecord;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes and deletes read-write layers. */
@SuppressWarnings("try") // Locks and calls are held by scope, not by name.
public final class ReadWriteLayers {

  private static final Logger log = LoggerFactory.getLogger(ReadWriteLayers.class);

  /** How the names of temporary read-write layers begin. */
  private static final String TEMPORARY = "temporary-";

  private static final int TEMPORARY_DIGITS = 32;

  private final StoreContext store;

  public ReadWriteLayers(StoreContext store) {
    this.store = store;
  }

  /**
   * Creates a read-write layer. The order of effects: an intent that names the driver's
   * directories, the directories, the metadata made visible.
   *
   * @return its node, with one handle
   */
  public MountedLayer create(String name, @Nullable ChainId parentId, RWLayerOptions options)
      throws LayerStoreException {
    return create(name, parentId, options, false);
  }

  /** Creates a read-write layer that goes with its last handle, under a name nobody has. */
  public MountedLayer createTemporary(@Nullable ChainId parentId, RWLayerOptions options)
      throws LayerStoreException {
    String name = TEMPORARY + DriverIds.random().substring(0, TEMPORARY_DIGITS);
    return create(name, parentId, options, true);
  }

  private MountedLayer create(
      String name, @Nullable ChainId parentId, RWLayerOptions options, boolean isTemporary)
      throws LayerStoreException {
    store.requireWritable();
    RWLayerRecord.requireValidName(name);
    try (KeyedLock.Held held = store.nameLock().acquireInterruptibly(name)) {
      if (store.findMount(name) != null) {
        throw NameConflictException.ofRWLayer(name);
      }
      RoLayer parent = parentId == null ? null : store.pin(parentId);
      try {
        return create(name, parent, options, isTemporary);
      } finally {
        if (parent != null) {
          store.table().unpin(parent);
        }
      }
    } catch (InterruptedException e) {
      throw Interrupts.ended("creating read-write layer " + name, e);
    }
  }

  private MountedLayer create(
      String name, @Nullable RoLayer parent, RWLayerOptions options, boolean isTemporary)
      throws LayerStoreException {
    String mountId = DriverIds.random();
    String initId = options.initializer().isPresent() ? mountId + "-init" : null;
    RWLayerRecord record =
        new RWLayerRecord(name, mountId, initId, parent == null ? null : parent.chainId());
    UnfinishedRWLayer unfinished =
        store.critical().call(() -> store.metadata().beginRWLayer(record));
    MountedLayer layer =
        isTemporary
            ? MountedLayer.temporary(record, parent, unfinished)
            : new MountedLayer(record, parent);
    try {
      RWLayerOptions.Initializer initializer = options.initializer().orElse(null);
      if (initId != null && initializer != null) {
        createInitLayer(initId, parent, options, initializer);
      }
      Interrupts.check("creating read-write layer " + name);
      CreateOptions createOptions =
          CreateOptions.builder().storageOptions(options.storageOptions()).build();
      store
          .critical()
          .run(
              () -> {
                store.driver().createReadWrite(mountId, layer.driverParent(), createOptions);
                if (!isTemporary) {
                  store.metadata().commitRWLayer(unfinished);
                }
              });
    } catch (LayerStoreException e) {
      discard(unfinished, e);
      throw DriverFailures.named("read-write layer " + name, e);
    } catch (RuntimeException | Error e) {
      discard(unfinished, e);
      throw e;
    }
    MountedLayer node = store.table().addMountWithHandle(layer);
    if (!isTemporary) {
      store.sharing().published();
    }
    log.info(
        "created read-write layer {} on {}", name, parent == null ? "nothing" : parent.chainId());
    return node;
  }

  private void createInitLayer(
      String initId,
      @Nullable RoLayer parent,
      RWLayerOptions options,
      RWLayerOptions.Initializer initializer)
      throws LayerStoreException {
    CreateOptions createOptions =
        CreateOptions.builder()
            .mountLabel(options.mountLabel().orElse(null))
            .storageOptions(options.storageOptions())
            .build();
    String parentId = parent == null ? null : parent.cacheId();
    MountOptions mountOptions =
        MountOptions.builder().mountLabel(options.mountLabel().orElse(null)).build();
    Path root =
        store
            .critical()
            .call(
                () -> {
                  store.driver().createReadWrite(initId, parentId, createOptions);
                  return store.driver().mount(initId, mountOptions);
                });
    AtomicBoolean isMounted = new AtomicBoolean(true);
    try {
      initializer.initialize(
          new GuardedDirectory(
              store.driver(), initId, root, () -> requireMounted(isMounted, initId)));
    } catch (IOException e) {
      throw Interrupts.translate("initializing a read-write layer", e);
    } finally {
      isMounted.set(false);
      store.critical().run(() -> store.driver().unmount(initId));
    }
    force(initId);
  }

  /** What was written into a layer that is there already is not on the disk by itself. */
  void force(String id) throws LayerStoreException {
    if (store.options().durability() == Durability.FULL) {
      store.driver().sync(id);
    }
  }

  private static GuardedDirectory.Call requireMounted(AtomicBoolean isMounted, String initId) {
    if (!isMounted.get()) {
      throw new IllegalStateException("init layer " + initId + " has been initialized");
    }
    return () -> {};
  }

  private void discard(UnfinishedRWLayer unfinished, Throwable failure) {
    try {
      store
          .critical()
          .run(
              () -> {
                for (String id : unfinished.driverIds()) {
                  store.driver().remove(id);
                }
                store.metadata().discardRWLayer(unfinished);
              });
    } catch (LayerStoreException | RuntimeException | Error e) {
      store.metadata().postponeRWLayer(unfinished);
      failure.addSuppressed(e);
    }
  }

  /**
   * Deletes a read-write layer whose last handle the caller has just given back. Its hold on its
   * parent goes with it.
   *
   * @throws MountBusyException if it is mounted; nothing has happened
   */
  public void delete(MountedLayer layer) throws LayerStoreException {
    if (store.table().mountCount(layer) > 0) {
      throw new MountBusyException(layer.name(), List.of("this process"), null);
    }
    requireNotClaimed(ClaimKind.RW_LAYER, layer.name(), layer.name());
    // A mount outlives the handle it was made with.
    requireNotClaimed(ClaimKind.MOUNT, layer.mountId(), layer.name());
    store.requireWritable();
    store.critical().run(() -> deleteFromDisk(layer));
    store.table().removeMount(layer);
    store.sharing().published();
    log.info("deleted read-write layer {}", layer.name());
  }

  private void requireNotClaimed(ClaimKind kind, String key, String name)
      throws MountBusyException {
    List<String> holders = store.sharing().holders(kind, key);
    if (!holders.isEmpty()) {
      throw new MountBusyException(name, holders, null);
    }
  }

  /**
   * Deletes a temporary read-write layer that has neither handles nor mounts any more; does nothing
   * if it has, or has been deleted. What cannot be deleted now is left to the next cleanup or open.
   */
  public void deleteIfUnused(MountedLayer layer) {
    StoreLifecycle.Call call = store.lifecycle().enterIfOpen();
    if (call == null) {
      // Closing the store has deleted it.
      return;
    }
    try (call;
        KeyedLock.Held held = store.nameLock().acquire(layer.name())) {
      if (store.table().isUnused(layer)) {
        deleteTemporary(layer);
      }
    }
  }

  /** Deletes all temporary read-write layers, for a store that nobody calls any more. */
  public void deleteTemporaries() {
    for (MountedLayer layer : store.table().temporaryMounts()) {
      try {
        for (int mounts = store.table().mountCount(layer); mounts > 0; mounts--) {
          store.driver().unmount(layer.mountId());
          store.table().uncountMount(layer);
        }
      } catch (LayerStoreException e) {
        // It stays mounted then, and the driver says so when it is closed.
        log.debug("{} stays mounted", layer.name(), e);
      }
      deleteTemporary(layer);
    }
  }

  private void deleteTemporary(MountedLayer layer) {
    try {
      delete(layer);
    } catch (LayerStoreException | RuntimeException e) {
      log.warn(
          "temporary read-write layer {} cannot be deleted now; the next cleanup or open tries again",
          layer.name(),
          e);
      UnfinishedRWLayer unfinished = layer.unfinished();
      if (unfinished != null) {
        store.metadata().postponeRWLayer(unfinished);
      }
      store.table().removeMount(layer);
    }
  }

  private void deleteFromDisk(MountedLayer layer) throws LayerStoreException {
    UnfinishedRWLayer unfinished = layer.unfinished();
    UnfinishedRWLayer aside =
        unfinished == null ? store.metadata().beginRWLayerRemoval(layer.name()) : unfinished;
    try {
      removeFiles(layer, aside);
      store.metadata().discardRWLayer(aside);
    } catch (MountBusyException e) {
      throw e;
    } catch (LayerStoreException e) {
      // Some of its files may be gone, so it must not come back.
      store.metadata().postponeRWLayer(aside);
      log.warn(
          "read-write layer {} is deleted, but not all of its files; the next cleanup or open tries"
              + " again",
          layer.name(),
          e);
    }
  }

  /**
   * @throws MountBusyException if the layer is in use; it is there as before
   * @throws LayerStoreException if not all files could be removed
   */
  private void removeFiles(MountedLayer layer, UnfinishedRWLayer aside) throws LayerStoreException {
    try {
      store.driver().remove(layer.mountId());
    } catch (MountBusyException e) {
      if (!layer.isTemporary()) {
        store.metadata().commitRWLayer(aside);
      }
      throw new MountBusyException(layer.name(), e.holders(), e);
    }
    String initId = layer.record().initId();
    if (initId != null) {
      try {
        store.driver().remove(initId);
      } catch (MountBusyException e) {
        throw new DriverException(store.driver().name(), initId, "is in use", e);
      }
    }
  }
}
