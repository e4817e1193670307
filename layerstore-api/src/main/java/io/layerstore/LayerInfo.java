package io.layerstore;

import java.util.List;
import java.util.Optional;

/**
 * What is known of a layer at one moment, or was when it was deleted. Not a handle: the layer may
 * be released at any time.
 *
 * @param chainId its chain ID
 * @param diffId its diff ID
 * @param parent the chain ID of the layer below; empty for a base layer
 * @param cacheId the name of its directory in the graph driver
 * @param sizeBytes the size of the layer and all layers below it, in bytes
 * @param diffSizeBytes the size of this layer alone, in bytes
 * @param depth the number of layers in its chain, itself included
 * @param usage who holds it; nobody if it was deleted
 */
public record LayerInfo(
    ChainId chainId,
    DiffId diffId,
    Optional<ChainId> parent,
    String cacheId,
    long sizeBytes,
    long diffSizeBytes,
    int depth,
    Usage usage) {

  /**
   * Who holds a layer at one moment. A layer is deleted when it is released and nothing holds it
   * any more.
   *
   * @param handles the number of open {@link Layer} handles, one for each image whose top layer it
   *     is included
   * @param children the layers directly above, sorted
   * @param rwLayers the names of the read-write layers directly above, sorted
   * @param otherHolders what else in the data root refers to it, such as {@code BuildKit's cache
   *     (buildkit/snapshots.db)}; the store cannot remove these references
   */
  public record Usage(
      int handles, List<ChainId> children, List<String> rwLayers, List<String> otherHolders) {

    /** Copies the lists. */
    public Usage {
      children = List.copyOf(children);
      rwLayers = List.copyOf(rwLayers);
      otherHolders = List.copyOf(otherHolders);
    }

    /** The number of references this store counts: handles, children and read-write layers. */
    public int references() {
      return handles + children.size() + rwLayers.size();
    }
  }
}
