package io.layerstore.spi;

import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.StoreOptions;
import java.util.Iterator;
import java.util.ServiceLoader;

/**
 * Makes {@link LayerStore}s; found with {@link ServiceLoader}, so that applications compile against
 * the API alone.
 */
public interface LayerStoreProvider {

  /** Opens a store as {@link LayerStore#open} describes. */
  LayerStore open(StoreOptions options) throws LayerStoreException;

  /**
   * The provider on the class path or module path: the first one the thread's context class loader
   * sees, else the first one this class's own loader sees.
   *
   * @throws IllegalStateException if there is none
   */
  static LayerStoreProvider load() {
    Iterator<LayerStoreProvider> found = ServiceLoader.load(LayerStoreProvider.class).iterator();
    if (!found.hasNext()) {
      found =
          ServiceLoader.load(LayerStoreProvider.class, LayerStoreProvider.class.getClassLoader())
              .iterator();
    }
    if (!found.hasNext()) {
      throw new IllegalStateException(
          "no layer store implementation found; add io.layerstore:layerstore-core to the class path or module path");
    }
    return found.next();
  }
}
