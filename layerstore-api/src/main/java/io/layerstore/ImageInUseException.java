package io.layerstore;

import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

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
            + " is in use: "
            + Stream.of(
                    uses("read-write layers stand on it", rwLayers),
                    uses("images were made from it", children),
                    uses("it has several references", references))
                .filter(use -> !use.isEmpty())
                .collect(Collectors.joining("; "))
            + "; remove those first, or force the deletion");
    this.rwLayers = List.copyOf(rwLayers);
    this.children = List.copyOf(children);
    this.references = List.copyOf(references);
  }

  private static String uses(String what, List<?> users) {
    return users.isEmpty()
        ? ""
        : what + ": " + users.stream().map(Object::toString).collect(Collectors.joining(", "));
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
