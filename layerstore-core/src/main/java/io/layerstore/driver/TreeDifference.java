package io.layerstore.driver;

import io.layerstore.Change;
import io.layerstore.LayerPath;
import io.layerstore.spi.LayerTree;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One difference between two trees.
 *
 * @param kind what happened on the way from the older tree to the newer
 * @param path where
 * @param node the entry in the newer tree; null if it was deleted
 */
public record TreeDifference(Change.Kind kind, LayerPath path, LayerTree.@Nullable Node node) {

  /**
   * Checks that the parts fit.
   *
   * @throws IllegalArgumentException if there is a node for a deletion, or none for another kind
   */
  public TreeDifference {
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(path, "path");
    if ((node == null) != (kind == Change.Kind.DELETED)) {
      throw new IllegalArgumentException("node does not fit " + kind + ": " + path);
    }
  }

  /** The difference without the entry. */
  public Change toChange() {
    return new Change(kind, path);
  }
}
