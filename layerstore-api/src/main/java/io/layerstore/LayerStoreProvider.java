package io.layerstore;

/**
 * Implements {@link LayerStore#open}; for implementations of the store, not for applications. Found
 * with {@link java.util.ServiceLoader}.
 *
 * <p>It is here and not in the package for drivers because {@code LayerStore.open} needs it, and
 * this package uses no other.
 */
public interface LayerStoreProvider {

  /** Opens a store as {@link LayerStore#open} describes. */
  LayerStore open(StoreOptions options) throws LayerStoreException;
}
