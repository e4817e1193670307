package io.layerstore.core.image;

import io.layerstore.ChainId;
import io.layerstore.CommitOptions;
import io.layerstore.DiffId;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Progress;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import io.layerstore.StoreOptions;
import io.layerstore.ViewOptions;
import io.layerstore.core.image.download.PartialBlobs;
import io.layerstore.core.layer.LayerReading;
import io.layerstore.core.layer.LayerReference;
import io.layerstore.core.layer.LayerRegistration;
import io.layerstore.core.layer.RWLayerHandles;
import io.layerstore.core.share.ClaimKind;
import io.layerstore.core.state.RoLayer;
import io.layerstore.core.state.Sharing;
import io.layerstore.core.state.StoreContext;
import io.layerstore.core.state.StoreLifecycle;
import io.layerstore.driver.KeyedLock;
import java.nio.file.FileSystem;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** What the image store needs of the layer store it belongs to. */
@SuppressWarnings("try") // Calls are held by scope, not by name.
public final class LayerAccess {

  private final LayerStore layers;
  private final StoreContext store;
  private final LayerReading reading;
  private final LayerRegistration registration;
  private final RWLayerHandles handles;

  /**
   * @param layers the layer store, for what people may call
   * @param store its state; the rest are its parts
   */
  public LayerAccess(
      LayerStore layers,
      StoreContext store,
      LayerReading reading,
      LayerRegistration registration,
      RWLayerHandles handles) {
    this.layers = layers;
    this.store = store;
    this.reading = reading;
    this.registration = registration;
    this.handles = handles;
  }

  /**
   * Begins a call.
   *
   * @throws IllegalStateException if the store is closed
   */
  StoreLifecycle.Call enter() {
    return store.lifecycle().enter();
  }

  /**
   * Registers the layer that an image is made of, as {@link LayerStore#register} does.
   *
   * @param image what people will call the image; null if it gets no name
   */
  Layer register(LayerSource source, RegisterOptions options, @Nullable String image)
      throws LayerStoreException {
    try (StoreLifecycle.Call call = enter()) {
      return new LayerReference(
          reading, registration.register(source, options, Progress.Kind.IMPORT, image));
    }
  }

  /**
   * Commits the changes that an image is made of, as {@link RWLayer#commit} does.
   *
   * @param image what people will call the image; null if it gets no name
   */
  Layer commit(RWLayer layer, CommitOptions options, @Nullable String image)
      throws LayerStoreException {
    return handles.commit(layer, options, image);
  }

  /** The layer store. */
  LayerStore layers() {
    return layers;
  }

  /** How it was opened. */
  StoreOptions options() {
    return store.options();
  }

  /** What runs concurrent stages. */
  Executor executor() {
    return store.executor();
  }

  /**
   * Shows a layer on those below it as a file system.
   *
   * @param top the highest layer; null for none
   * @param title what it is called
   */
  FileSystem view(@Nullable ChainId top, String title, ViewOptions options)
      throws LayerStoreException {
    RoLayer layer = top == null ? null : store.pin(top);
    try {
      return reading.views().of(layer, title, options);
    } finally {
      if (layer != null) {
        store.table().unpin(layer);
      }
    }
  }

  /** The directory that has the layer database in it. */
  Path directory() {
    Path root = store.options().root();
    Path database = root.resolve(store.options().metadataPath(store.driver().name()));
    Path directory = database.getParent();
    return directory == null ? root : directory;
  }

  /** Whether a handle is one of the layer store's. */
  boolean owns(RWLayer layer) {
    return handles.owns(layer);
  }

  /** Looks again at what other stores may have changed. */
  void refresh() throws LayerStoreException {
    store.refresh();
  }

  /** The diff IDs of a layer and all below it, bottom first; empty if it is not known. */
  List<DiffId> diffIds(ChainId top) {
    return store.table().diffIds(top);
  }

  /** A handle on a layer, or null if there is none. */
  @Nullable Layer retain(ChainId chainId) throws LayerStoreException {
    RoLayer layer = store.retainIfPresent(chainId);
    return layer == null ? null : new LayerReference(reading, layer);
  }

  /**
   * A handle that an image has on a layer that is known at this moment, or null. Other stores see
   * the image, not the handle.
   */
  @Nullable Layer holdForImage(ChainId chainId) {
    RoLayer layer = store.table().holdForImage(chainId);
    return layer == null ? null : LayerReference.ofImage(reading, layer);
  }

  /** A lock for those who change images, here and in other stores on the root. */
  KeyedLock<String> newImageLock() {
    return store.sharing().newLock(ClaimKind.IMAGES, key -> key);
  }

  /** What has come of blobs, here and in other stores on the root. */
  PartialBlobs newPartialBlobs() {
    Sharing sharing = store.sharing();
    return new PartialBlobs(
        directory(),
        options().durability(),
        sharing.newLock(ClaimKind.BLOB, name -> name),
        new PartialBlobs.Others() {
          @Override
          public int claim(String name) {
            return sharing.claim(ClaimKind.BLOB_USE, name);
          }

          @Override
          public void clear(int claim) {
            sharing.clear(claim);
          }

          @Override
          public boolean use(String name) {
            return !sharing.holders(ClaimKind.BLOB_USE, name).isEmpty();
          }
        });
  }

  /** Says that images are about to change, and sees what others have changed. */
  void beginImageChange() throws LayerStoreException {
    store.refresh();
    store.sharing().beginImageChange();
  }

  /** Says that images have changed. */
  void published() {
    store.sharing().imagesChanged();
  }

  /** Adds what is to be brought up to date with the layers. */
  void follow(Sharing.Follower follower) {
    store.sharing().follow(follower);
  }

  /** Fails if nothing may be written. */
  void requireWritable() throws LayerStoreException {
    store.requireWritable();
  }

  /** Whether others may change images at the same time. */
  boolean isShared() {
    return store.sharing().isShared();
  }
}
