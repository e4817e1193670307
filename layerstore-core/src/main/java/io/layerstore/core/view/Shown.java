package io.layerstore.core.view;

import io.layerstore.LayerPath;
import java.util.List;

/**
 * What is known of the layers that a file system shows: of all, or of those from the top on that
 * were needed so far. Immutable.
 *
 * @param index what they hold
 * @param contents where their files are, the lowest first
 * @param below how many layers are below them and not known
 * @param onlyTop whether the highest layer is shown by itself
 */
record Shown(Index index, List<LayerContents> contents, int below, boolean onlyTop) {

  /** The root directory. */
  int root() {
    return index.root(index.layers().size() - 1);
  }

  /** The entries of a directory that are seen, as far as they are known. */
  long range(int directory) {
    return onlyTop ? index.ownRange(directory) : index.mergedRange(directory);
  }

  /** Whether layers that are not known may have more in a directory. */
  boolean isOpen(int directory) {
    return !onlyTop && index.has(directory, Index.OPEN);
  }

  /** Whether a name that is not in a directory may be there in a layer that is not known. */
  boolean mayBeBelow(int directory, LayerPath path, byte[] name, int from, int to) {
    if (!isOpen(directory)) {
      return false;
    }
    for (int part : index.directories(path, index.layers().size() - 1)) {
      if (index.find(index.ownRange(part), name, from, to) != Index.NONE) {
        return false; // A whiteout, or it would be seen.
      }
    }
    return true;
  }

  /** The number of the layer that a node is of, in the whole image. */
  int layer(int node) {
    return below + index.layer(node);
  }

  /** A number for a node that stays when more layers are known. */
  long id(int node) {
    return ((long) layer(node) << 32) | index.numberInLayer(node);
  }
}
