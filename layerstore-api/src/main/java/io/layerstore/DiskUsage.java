package io.layerstore;

import java.util.List;

/**
 * The disk space that images and layers take. Sizes are in bytes, as the graph driver counts them.
 *
 * @param images the images, sorted by id
 * @param layers the read-only layers, sorted by chain ID
 * @param rwLayers the read-write layers, sorted by name
 * @param totalBytes what all read-only layers take together, each once
 * @param reclaimableBytes what would be free if all images without read-write layers and all layers
 *     that nothing needs were deleted
 */
public record DiskUsage(
    List<ImageUsage> images,
    List<LayerSize> layers,
    List<RWLayerSize> rwLayers,
    long totalBytes,
    long reclaimableBytes) {

  /** Copies the lists. */
  public DiskUsage {
    images = List.copyOf(images);
    layers = List.copyOf(layers);
    rwLayers = List.copyOf(rwLayers);
  }

  /**
   * The space one image takes.
   *
   * @param id its identity
   * @param references the references to it, sorted
   * @param sizeBytes the size of all its layers
   * @param sharedBytes the size of its layers that other images have too
   * @param uniqueBytes the size of its layers that no other image has
   * @param rwLayers how many read-write layers stand on its top layer
   */
  public record ImageUsage(
      ImageId id,
      List<ImageReference> references,
      long sizeBytes,
      long sharedBytes,
      long uniqueBytes,
      int rwLayers) {

    /** Copies the list. */
    public ImageUsage {
      references = List.copyOf(references);
    }
  }

  /**
   * The space one layer takes.
   *
   * @param chainId its chain ID
   * @param sizeBytes the size of this layer alone
   * @param images how many images have it
   * @param otherHolders what else in the data root refers to it, in words such as {@code BuildKit's
   *     cache (buildkit/snapshots.db)}; as long as it does, the layer stays
   */
  public record LayerSize(ChainId chainId, long sizeBytes, int images, List<String> otherHolders) {

    /** Copies the list. */
    public LayerSize {
      otherHolders = List.copyOf(otherHolders);
    }
  }

  /**
   * The space one read-write layer takes.
   *
   * @param name its name
   * @param sizeBytes the size of what was written into it
   */
  public record RWLayerSize(String name, long sizeBytes) {}
}
