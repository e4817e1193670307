package io.layerstore;

/** The store has no read-write layer of that name. */
public class RWLayerNotFoundException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final String name;

  /** Carries the facts. */
  public RWLayerNotFoundException(String name) {
    super(
        "read-write layer does not exist: "
            + name
            + "; list the read-write layers to see what there is");
    this.name = name;
  }

  /** The name that was asked for. */
  public String name() {
    return name;
  }
}
