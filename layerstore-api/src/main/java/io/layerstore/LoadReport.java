package io.layerstore;

import java.util.List;

/**
 * What a load added.
 *
 * @param images the images of the archive, in its order
 * @param notes where the load differs from the archive, a sentence each: what was left out, a tag
 *     that was moved, a parent that was not taken over; and which layers {@code docker load} would
 *     refuse
 */
public record LoadReport(List<LoadedImage> images, List<String> notes) {

  /** Copies the lists. */
  public LoadReport {
    images = List.copyOf(images);
    notes = List.copyOf(notes);
  }

  /**
   * One image of the archive.
   *
   * @param id its identity
   * @param references the references that now name it because of this load
   * @param newLayers the layers that were not in the store before, bottom first
   */
  public record LoadedImage(ImageId id, List<ImageReference> references, List<ChainId> newLayers) {

    /** Copies the lists. */
    public LoadedImage {
      references = List.copyOf(references);
      newLayers = List.copyOf(newLayers);
    }
  }
}
