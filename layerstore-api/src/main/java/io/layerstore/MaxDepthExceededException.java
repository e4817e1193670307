package io.layerstore;

/** A chain of layers would become longer than the store or the driver supports. */
public class MaxDepthExceededException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final int limit;

  /** Carries the facts. */
  public MaxDepthExceededException(int limit) {
    super(
        "max depth exceeded: a chain can have at most "
            + limit
            + " layers; squash some of them into one");
    this.limit = limit;
  }

  /** The greatest number of layers. */
  public int limit() {
    return limit;
  }
}
