package io.layerstore.image;

import io.layerstore.LayerStoreException;
import java.util.List;

/** An image cannot be deleted because other things need it. Nothing was deleted. */
public class ImageInUseException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final transient List<String> rwLayers;
  private final transient List<ImageId> children;
  private final transient List<String> references;

  /** About the image called {@code image}. */
  public ImageInUseException(
      String image, List<String> rwLayers, List<ImageId> children, List<String> references) {
    super(
        "image "
            + image
            + " is in use"
            + (rwLayers.isEmpty() ? "" : " by read-write layers " + String.join(", ", rwLayers))
            + (children.isEmpty() ? "" : " by images made from it " + children)
            + (references.isEmpty()
                ? ""
                : " under several references " + String.join(", ", references))
            + "; remove those first, or force the deletion");
    this.rwLayers = List.copyOf(rwLayers);
    this.children = List.copyOf(children);
    this.references = List.copyOf(references);
  }

  /** The names of the read-write layers that stand on it. */
  public List<String> rwLayers() {
    return rwLayers;
  }

  /** The images that were made from it. */
  public List<ImageId> children() {
    return children;
  }

  /** The references to it, if there are too many to choose one. */
  public List<String> references() {
    return references;
  }
}
