package io.layerstore.spi;

import io.layerstore.Change;
import io.layerstore.LayerStoreException;
import java.util.stream.Stream;

/**
 * A driver's own way to find the difference between a layer and its parent, without comparing whole
 * trees.
 */
public interface NativeDiff {

  /**
   * The entries that turn the parent into the layer, whiteouts included, in the order of a layer
   * archive.
   */
  TreeReader entries() throws LayerStoreException;

  /**
   * The differences, in a deterministic order. The stream may read while it is consumed; close it.
   */
  Stream<Change> changes() throws LayerStoreException;

  /** The size of the layer's own files in bytes, each inode once. */
  long sizeBytes() throws LayerStoreException;
}
