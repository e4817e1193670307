package io.layerstore;

/** A whole archive has another digest than it must have. */
public class DigestMismatchException extends LayerVerificationException {
  private static final long serialVersionUID = 1L;

  private final transient Digest expected;
  private final transient Digest actual;

  /** Carries both digests; {@code message} says what was compared. */
  public DigestMismatchException(String message, Digest expected, Digest actual) {
    super(message, null, null);
    this.expected = expected;
    this.actual = actual;
  }

  /** The digest it must have. */
  public Digest expected() {
    return expected;
  }

  /** The digest it has. */
  public Digest actual() {
    return actual;
  }
}
