package io.layerstore;

/** The store has no such layer. */
public class LayerNotFoundException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final String id;

  /** Carries the facts. */
  public LayerNotFoundException(String id) {
    super("layer does not exist: " + id + "; list the layers to see what there is");
    this.id = id;
  }

  /** The chain ID that was asked for, or its beginning. */
  public String id() {
    return id;
  }
}
