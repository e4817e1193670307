package io.layerstore;

/** A name, digest or path in an archive or a request is not of the form it must have. */
public class InvalidReferenceException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final String reference;
  private final String reason;

  /** Carries the facts. */
  public InvalidReferenceException(String reference, String reason) {
    super("invalid reference \"" + reference + "\": " + reason);
    this.reference = reference;
    this.reason = reason;
  }

  /** What is wrong, in printable form. */
  public String reference() {
    return reference;
  }

  /** Why it is refused. */
  public String reason() {
    return reason;
  }
}
