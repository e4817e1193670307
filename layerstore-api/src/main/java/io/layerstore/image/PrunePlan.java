package io.layerstore.image;

import io.layerstore.ChainId;
import java.util.List;

/**
 * What a prune would delete. Making it deletes nothing.
 *
 * @param images the images, children before their parents
 * @param references the references that would go with them, sorted
 * @param layers all layers that would be deleted, child before parent
 * @param reclaimableBytes the size of these layers, in bytes
 */
public record PrunePlan(
    List<ImageId> images,
    List<ImageReference> references,
    List<ChainId> layers,
    long reclaimableBytes) {

  /** Copies the lists. */
  public PrunePlan {
    images = List.copyOf(images);
    references = List.copyOf(references);
    layers = List.copyOf(layers);
  }
}
