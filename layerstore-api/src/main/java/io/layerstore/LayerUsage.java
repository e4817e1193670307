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
 */
public record LayerUsage(int handles, List<ChainId> children, List<String> rwLayers) {

  /** Copies the lists. */
  public LayerUsage {
    children = List.copyOf(children);
    rwLayers = List.copyOf(rwLayers);
  }

  /** The number of references Docker would count: handles, children and read-write layers. */
  public int references() {
    return handles + children.size() + rwLayers.size();
  }
}
