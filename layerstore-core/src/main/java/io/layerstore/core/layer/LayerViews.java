package io.layerstore.core.layer;

import io.layerstore.LayerStoreException;
import io.layerstore.ViewOptions;
import io.layerstore.core.state.MountedLayer;
import io.layerstore.core.state.RoLayer;
import io.layerstore.core.state.StoreContext;
import io.layerstore.core.state.StoreLifecycle;
import io.layerstore.core.view.LayerIndexer;
import io.layerstore.core.view.StoredLayer;
import io.layerstore.core.view.ViewFileSystem;
import io.layerstore.core.view.ViewSettings;
import io.layerstore.core.work.Interrupts;
import io.layerstore.driver.Closing;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** Shows layers of a store as file systems. Each holds its layers until it is closed. */
@SuppressWarnings("try") // Calls are held by scope, not by name.
public final class LayerViews {

  private static final String OPERATION = "showing layers as a file system";

  private final StoreContext store;

  public LayerViews(StoreContext store) {
    this.store = store;
  }

  /**
   * Shows a layer on those below it.
   *
   * @param top the highest layer; null for none at all
   * @param title what it is called, for people
   */
  public FileSystem of(@Nullable RoLayer top, String title, ViewOptions options)
      throws LayerStoreException {
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      return open(top, null, title, options, () -> {});
    }
  }

  /**
   * Shows a read-write layer as its files are now.
   *
   * @param handle what holds it; closed with the file system, and if there will be none
   */
  FileSystem of(MountedLayer layer, ViewOptions options, Closeable handle)
      throws LayerStoreException {
    return open(layer.parent(), layer, layer.name(), options, handle);
  }

  private FileSystem open(
      @Nullable RoLayer top,
      @Nullable MountedLayer rwLayer,
      String title,
      ViewOptions options,
      Closeable handle)
      throws LayerStoreException {
    Hold hold = new Hold(handle);
    LayerIndexer indexer = new LayerIndexer();
    try {
      if (top != null) {
        hold.layer = store.table().retain(top.chainId());
      }
      for (RoLayer layer : chain(hold.layer)) {
        indexer.add(
            new StoredLayer(
                layer.record().diffId(),
                layer.chainId(),
                () -> store.metadata().tarSplit(layer.chainId()),
                () -> store.driver().files(layer.cacheId())));
      }
      if (rwLayer != null) {
        indexer.add(
            OwnersBelow.of(
                store,
                rwLayer,
                LayerReading.diff(store, rwLayer.mountId(), rwLayer.driverParent()).entries()),
            () -> store.driver().files(rwLayer.mountId()));
      }
      ViewFileSystem view =
          indexer.view(new ViewSettings(title, options.onlyThisLayer(), options.verify(), hold));
      hold.view = store.lifecycle().track(view);
      return view;
    } catch (IOException e) {
      Closing.after(e, indexer);
      Closing.after(e, hold);
      throw Interrupts.translate(OPERATION, e);
    } catch (RuntimeException e) {
      Closing.after(e, indexer);
      Closing.after(e, hold);
      throw e;
    }
  }

  /** The layers of a chain, the lowest first. */
  private static Deque<RoLayer> chain(@Nullable RoLayer top) {
    Deque<RoLayer> chain = new ArrayDeque<>();
    for (RoLayer layer = top; layer != null; layer = layer.parent()) {
      chain.addFirst(layer);
    }
    return chain;
  }

  /** What a file system holds; the store closes it if nobody else does. */
  private final class Hold implements Closeable {
    private final Closeable handle;
    private @Nullable RoLayer layer;
    private @Nullable Closeable view;

    Hold(Closeable handle) {
      this.handle = handle;
    }

    @Override
    public void close() throws IOException {
      if (view != null) {
        store.lifecycle().untrack(view);
      }
      if (layer != null) {
        store.table().dropHandle(layer);
      }
      handle.close();
    }
  }
}
