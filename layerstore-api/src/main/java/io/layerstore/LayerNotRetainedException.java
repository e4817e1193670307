package io.layerstore;

/** A handle was given back that is spent already. */
public class LayerNotRetainedException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final String id;

  /** Carries the facts. */
  public LayerNotRetainedException(String id) {
    super("layer not retained: " + id + "; this handle was closed or released before");
    this.id = id;
  }

  /** The chain ID or the read-write layer's name of the handle. */
  public String id() {
    return id;
  }
}
