package io.layerstore;

import java.util.List;

/**
 * What a prune deleted.
 *
 * @param images the images
 * @param references the references
 * @param layers the layers, child before parent
 * @param reclaimedBytes the size of these layers, in bytes
 * @param spared what was kept: what the plan spares, and what it named and something needs now; a
 *     sentence each
 */
public record PruneReport(
    List<ImageId> images,
    List<ImageReference> references,
    List<LayerMetadata> layers,
    long reclaimedBytes,
    List<String> spared) {

  /** Copies the lists. */
  public PruneReport {
    images = List.copyOf(images);
    references = List.copyOf(references);
    layers = List.copyOf(layers);
    spared = List.copyOf(spared);
  }
}
