package io.layerstore;

import java.util.List;

/**
 * What a prune deleted.
 *
 * @param images the images
 * @param references the references
 * @param layers the layers, child before parent
 * @param reclaimedBytes the size of these layers, in bytes
 * @param spared what was kept: what the plan spares, and what it named but something needs by now;
 *     a sentence each
 * @param failed what the plan named but could not be deleted, and why, a sentence each; parts of it
 *     may be gone, and the next prune or cleanup tries again
 */
public record PruneReport(
    List<ImageId> images,
    List<ImageReference> references,
    List<LayerInfo> layers,
    long reclaimedBytes,
    List<String> spared,
    List<String> failed) {

  /** Copies the lists. */
  public PruneReport {
    images = List.copyOf(images);
    references = List.copyOf(references);
    layers = List.copyOf(layers);
    spared = List.copyOf(spared);
    failed = List.copyOf(failed);
  }
}
