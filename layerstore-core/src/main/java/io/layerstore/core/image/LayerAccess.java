package io.layerstore.core.image;

import io.layerstore.ChainId;
import io.layerstore.CommitOptions;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Progress;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import io.layerstore.StoreOptions;
import io.layerstore.ViewOptions;
import io.layerstore.core.layer.LayerReading;
import io.layerstore.core.layer.LayerReference;
import io.layerstore.core.layer.LayerRegistration;
import io.layerstore.core.layer.RWLayerHandles;
import io.layerstore.core.state.RoLayer;
import io.layerstore.core.state.StoreContext;
import io.layerstore.core.state.StoreLifecycle;
import io.layerstore.core.state.StoreLoader;
import java.nio.file.FileSystem;
import java.nio.file.Path;
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
    RoLayer layer = top == null ? null : store.table().pin(top);
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

  /** Looks again at the layers, in a store that only reads. */
  void refresh() throws LayerStoreException {
    StoreLoader.refreshIfReadOnly(store);
  }

  /** A handle on a layer that is known at this moment, or null. */
  @Nullable Layer retain(ChainId chainId) {
    RoLayer layer = store.table().retainIfPresent(chainId);
    return layer == null ? null : new LayerReference(reading, layer);
  }
}
