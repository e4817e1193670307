package io.layerstore.driver;

import io.layerstore.LayerStoreException;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.LayerTree;
import org.jspecify.annotations.Nullable;

/**
 * A layer's tree and its parent's, opened and closed together.
 *
 * @param older the parent's tree; null if there is no parent
 * @param newer the layer's tree
 */
record TreePair(@Nullable LayerTree older, LayerTree newer) implements AutoCloseable {

  static TreePair open(GraphDriver driver, String id, @Nullable String parent)
      throws LayerStoreException {
    LayerTree newer = driver.tree(id);
    if (parent == null) {
      return new TreePair(null, newer);
    }
    try {
      return new TreePair(driver.tree(parent), newer);
    } catch (LayerStoreException | RuntimeException e) {
      Closing.after(e, newer::close);
      throw e;
    }
  }

  /** Closes both trees. A second call does nothing. */
  @Override
  public void close() throws LayerStoreException {
    try (newer) {
      if (older != null) {
        older.close();
      }
    }
  }
}
