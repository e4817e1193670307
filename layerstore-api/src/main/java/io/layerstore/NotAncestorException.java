package io.layerstore;

/** A difference was asked for between layers that do not stand on each other. */
public class NotAncestorException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final transient ChainId ancestor;
  private final transient ChainId chainId;

  /** Carries the facts. */
  public NotAncestorException(ChainId ancestor, ChainId chainId) {
    super(
        "layer ID '"
            + ancestor
            + "' is not a parent of the specified layer: cannot provide diff to non-parent");
    this.ancestor = ancestor;
    this.chainId = chainId;
  }

  /** The layer that was said to be below. */
  public ChainId ancestor() {
    return ancestor;
  }

  /** The layer that was said to be above. */
  public ChainId chainId() {
    return chainId;
  }
}
