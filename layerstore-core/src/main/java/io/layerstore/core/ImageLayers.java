package io.layerstore.core;

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
import io.layerstore.core.image.LayerAccess;
import io.layerstore.core.layer.RWLayerHandles;
import io.layerstore.core.state.StoreContext;
import io.layerstore.core.state.StoreLifecycle;
import java.nio.file.Path;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** Shows the layer store to its images. */
final class ImageLayers implements LayerAccess {

  private final DefaultLayerStore layers;
  private final RWLayerHandles handles;
  private final StoreContext store;

  ImageLayers(DefaultLayerStore layers, RWLayerHandles handles, StoreContext store) {
    this.layers = layers;
    this.handles = handles;
    this.store = store;
  }

  @Override
  public Call enter() {
    StoreLifecycle.Call call = store.lifecycle().enter();
    return call::close;
  }

  @Override
  public Layer register(LayerSource source, RegisterOptions options, @Nullable String image)
      throws LayerStoreException {
    return layers.register(source, options, Progress.Kind.IMPORT, image);
  }

  @Override
  public Layer commit(RWLayer layer, CommitOptions options, @Nullable String image)
      throws LayerStoreException {
    return handles.commit(layer, options, image);
  }

  @Override
  public LayerStore layers() {
    return layers;
  }

  @Override
  public StoreOptions options() {
    return store.options();
  }

  @Override
  public Executor executor() {
    return store.executor();
  }

  @Override
  public Path directory() {
    Path root = store.options().root();
    Path database = root.resolve(store.options().metadataPath(store.driver().name()));
    Path directory = database.getParent();
    return directory == null ? root : directory;
  }

  @Override
  public boolean owns(RWLayer layer) {
    return handles.owns(layer);
  }

  @Override
  public void refresh() throws LayerStoreException {
    layers.refreshIfReadOnly();
  }

  @Override
  public @Nullable Layer retain(ChainId chainId) {
    return layers.retain(chainId);
  }
}
