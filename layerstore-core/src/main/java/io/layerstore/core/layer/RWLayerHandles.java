package io.layerstore.core.layer;

import io.layerstore.CommitOptions;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerSource;
import io.layerstore.LayerStoreException;
import io.layerstore.Progress;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import io.layerstore.ViewOptions;
import io.layerstore.core.state.MountedLayer;
import io.layerstore.core.state.RoLayer;
import io.layerstore.core.state.StoreContext;
import io.layerstore.core.state.StoreLifecycle;
import io.layerstore.core.tar.LayerPacker;
import io.layerstore.driver.Closing;
import io.layerstore.driver.KeyedLock;
import java.nio.file.FileSystem;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Gives out handles on read-write layers, takes them back, and commits through one. */
@SuppressWarnings("try") // Locks and calls are held by scope, not by name.
public final class RWLayerHandles {

  private static final Logger log = LoggerFactory.getLogger(RWLayerHandles.class);

  private final StoreContext store;
  private final ReadWriteLayers readWrite;
  private final RWLayerFiles files;
  private final LayerReading reading;
  private final LayerRegistration registration;
  private final LayerRelease release;

  public RWLayerHandles(
      StoreContext store,
      ReadWriteLayers readWrite,
      LayerReading reading,
      LayerRegistration registration,
      LayerRelease release) {
    this.store = store;
    this.readWrite = readWrite;
    this.files = new RWLayerFiles(store, readWrite);
    this.reading = reading;
    this.registration = registration;
    this.release = release;
  }

  /** A handle on a node that has been counted one handle more. */
  public RWLayer of(MountedLayer layer) {
    return new RWLayerReference(this, layer);
  }

  /** Whether this has given out the handle. */
  public boolean owns(RWLayer layer) {
    return layer instanceof RWLayerReference reference && reference.isOf(this);
  }

  private RWLayerReference own(RWLayer layer) {
    if (layer instanceof RWLayerReference reference) {
      if (!reference.isOf(this)) {
        throw new IllegalArgumentException(
            "the handle on " + layer.name() + " belongs to another store");
      }
      return reference;
    }
    throw new IllegalArgumentException("not a handle of this store: " + layer);
  }

  RWLayerFiles files() {
    return files;
  }

  /** Shows a read-write layer as a file system, which has a handle of its own. */
  FileSystem fileSystem(MountedLayer layer, ViewOptions options) throws LayerStoreException {
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      store.table().retainMount(layer.name());
      return reading.views().of(layer, options, () -> drop(layer));
    }
  }

  /** Gives a handle back without deleting the layer, unless it was temporary and this the last. */
  void drop(MountedLayer layer) {
    store.table().dropMountHandle(layer);
    if (layer.isTemporary()) {
      readWrite.deleteIfUnused(layer);
    }
  }

  /**
   * Gives a handle back, and with the last deletes the read-write layer and what only it held.
   *
   * @return the layers that were deleted, child first
   */
  public List<LayerInfo> release(RWLayer layer) throws LayerStoreException {
    RWLayerReference reference = own(layer);
    MountedLayer node = reference.layer();
    try (KeyedLock.Held held = store.nameLock().acquire(node.name())) {
      reference.spend();
      if (store.table().mountHandles(node) > 1) {
        store.table().dropMountHandle(node);
        return List.of();
      }
      try {
        readWrite.delete(node);
      } catch (LayerStoreException | RuntimeException e) {
        reference.unspend();
        throw e;
      }
      store.table().dropMountHandle(node);
    }
    return release.deleteUnheld(node.parent());
  }

  /**
   * Registers the changes in a read-write layer as a layer, and releases the handle on it
   * afterwards if asked to.
   *
   * @param image what people will call the image that is made of it, or null
   */
  public Layer commit(RWLayer layer, CommitOptions options, @Nullable String image)
      throws LayerStoreException {
    MountedLayer node = own(layer).requireOpen();
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      store.requireWritable();
      if (store.driver().hasStandInOwners() && !store.driver().traits().keepsOwners()) {
        log.warn(
            "read-write layer {}: new files are exported as root's, because all files of this user"
                + " have the same id; files from the layers below keep their owner",
            node.name());
      }
      store.table().retainMount(node.name());
      Layer committed;
      try {
        committed = register(node, options, image);
      } finally {
        drop(node);
      }
      if (options.releaseAfterwards()) {
        try {
          release(layer);
        } catch (LayerStoreException | RuntimeException e) {
          Closing.after(e, committed::close);
          throw e;
        }
      }
      return committed;
    }
  }

  private Layer register(MountedLayer node, CommitOptions options, @Nullable String image)
      throws LayerStoreException {
    RoLayer parent = node.parent();
    RegisterOptions registerOptions =
        RegisterOptions.builder()
            .parent(parent == null ? null : parent.chainId())
            .progress(options.progress().orElse(null))
            .build();
    LayerSource archive =
        () ->
            new LayerPacker(
                OwnersBelow.of(
                    store,
                    node,
                    LayerReading.diff(store, node.mountId(), node.driverParent()).entries()),
                options.latestTime().orElse(null));
    return new LayerReference(
        reading, registration.register(archive, registerOptions, Progress.Kind.COMMIT, image));
  }
}
