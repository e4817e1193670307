package io.layerstore;

import java.util.List;

/**
 * Who holds a layer at one moment. A layer is deleted when it is released and nothing holds it any
 * more.
 *
 * @param handles the number of open {@link Layer} handles, one for each image whose top layer it is
 *     included
 * @param children the layers directly above, sorted
 * @param rwLayers the names of the read-write layers directly above, sorted
 * @param otherHolders what else in the data root refers to it, in words such as {@code BuildKit's
 *     cache (buildkit/snapshots.db)}; these references are not this store's to take back
 */
public record LayerUsage(
    int handles, List<ChainId> children, List<String> rwLayers, List<String> otherHolders) {

  /** Copies the lists. */
  public LayerUsage {
    children = List.copyOf(children);
    rwLayers = List.copyOf(rwLayers);
    otherHolders = List.copyOf(otherHolders);
  }

  /** Without other holders. */
  public LayerUsage(int handles, List<ChainId> children, List<String> rwLayers) {
    this(handles, children, rwLayers, List.of());
  }

  /** The number of references this store counts: handles, children and read-write layers. */
  public int references() {
    return handles + children.size() + rwLayers.size();
  }
}
