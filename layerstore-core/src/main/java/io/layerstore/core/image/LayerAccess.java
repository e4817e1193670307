package io.layerstore.core.image;

import io.layerstore.ChainId;
import io.layerstore.CommitOptions;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import io.layerstore.StoreOptions;
import java.nio.file.Path;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** What the image store needs of the layer store it belongs to. */
public interface LayerAccess {

  /** A call that is under way; the store is not closed before it ends. */
  interface Call extends AutoCloseable {
    @Override
    void close();
  }

  /**
   * Begins a call.
   *
   * @throws IllegalStateException if the store is closed
   */
  Call enter();

  /**
   * Registers the layer that an image is made of, as {@link LayerStore#register} does.
   *
   * @param image what people will call the image; null if it gets no name
   */
  Layer register(LayerSource source, RegisterOptions options, @Nullable String image)
      throws LayerStoreException;

  /**
   * Commits the changes that an image is made of, as {@link RWLayer#commit} does.
   *
   * @param image what people will call the image; null if it gets no name
   */
  Layer commit(RWLayer layer, CommitOptions options, @Nullable String image)
      throws LayerStoreException;

  /** The layer store. */
  LayerStore layers();

  /** How it was opened. */
  StoreOptions options();

  /** What runs concurrent stages. */
  Executor executor();

  /** The directory that has the layer database in it. */
  Path directory();

  /** Whether a handle is one of the layer store's. */
  boolean owns(RWLayer layer);

  /** Looks again at the layers, in a store that only reads. */
  void refresh() throws LayerStoreException;

  /** A handle on a layer that is known at this moment, or null. */
  @Nullable Layer retain(ChainId chainId);
}
