package io.layerstore;

import java.util.List;

/**
 * What a prune would delete.
 *
 * @param images the images, children before their parents
 * @param references the references that would go with them, sorted
 * @param layers all layers that would be deleted, child before parent
 * @param reclaimableBytes the size of these layers, in bytes
 * @param spared what stays only because something else in the data root needs it, a sentence each
 */
public record PrunePlan(
    List<ImageId> images,
    List<ImageReference> references,
    List<ChainId> layers,
    long reclaimableBytes,
    List<String> spared) {

  /** Copies the lists. */
  public PrunePlan {
    images = List.copyOf(images);
    references = List.copyOf(references);
    layers = List.copyOf(layers);
    spared = List.copyOf(spared);
  }
}
