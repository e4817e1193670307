package io.layerstore;

/** The store has no such image, or no such reference. */
public class ImageNotFoundException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final String id;

  /** About the id or reference {@code id}. */
  public ImageNotFoundException(String id) {
    super("image does not exist: " + id + "; list the images to see what there is");
    this.id = id;
  }

  /** What was asked for. */
  public String id() {
    return id;
  }
}
