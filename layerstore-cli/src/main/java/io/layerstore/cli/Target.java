package io.layerstore.cli;

import io.layerstore.ChainId;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;

/** What an argument means that may name a layer or a read-write layer. */
final class Target {
  private Target() {}

  /**
   * Whether there is a read-write layer of exactly this name. A name wins over the beginning of an
   * ID.
   */
  static boolean isReadWrite(LayerStore store, String argument) {
    return store.rwLayers().stream().anyMatch(layer -> layer.name().equals(argument));
  }

  /** The layer whose ID begins so, where the argument could also have been a name. */
  static ChainId layer(LayerStore store, String argument) throws LayerStoreException {
    try {
      return store.resolve(argument);
    } catch (IllegalArgumentException e) {
      throw new LayerStoreException(
          "neither a layer nor a read-write layer: "
              + argument
              + "; 'layers' and 'rwlayers' list what there is",
          e);
    } catch (LayerNotFoundException e) {
      throw new LayerStoreException(
          "no layer and no read-write layer: "
              + argument
              + "; 'layers' and 'rwlayers' list what there is",
          e);
    }
  }
}
