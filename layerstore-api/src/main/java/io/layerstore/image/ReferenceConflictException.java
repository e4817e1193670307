package io.layerstore.image;

import io.layerstore.LayerStoreException;

/**
 * A reference names another image already, or cannot be of the kind that was asked for. Nothing was
 * changed.
 */
public class ReferenceConflictException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final String reference;

  /** About {@code reference}, with what is wrong. */
  public ReferenceConflictException(String reference, String problem) {
    super(problem);
    this.reference = reference;
  }

  /** The reference. */
  public String reference() {
    return reference;
  }
}
