package io.layerstore;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Content does not match its identity.
 *
 * <p>On export it means that files inside the store were modified; registering the same layer again
 * heals it. On registration it means that the archive is not the expected one.
 */
public class LayerVerificationException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final @Nullable String path;
  private final transient @Nullable Digest expected;
  private final transient @Nullable Digest actual;

  /** About the file {@code path} of a layer. */
  public LayerVerificationException(String message, String path, @Nullable Throwable cause) {
    super(message, cause);
    this.path = path;
    this.expected = null;
    this.actual = null;
  }

  /** About a layer or an archive as a whole; {@code message} says what was compared. */
  public LayerVerificationException(String message, Digest expected, Digest actual) {
    super(message);
    this.path = null;
    this.expected = expected;
    this.actual = actual;
  }

  /**
   * The file that differs, relative to the root of the layer, in printable form; empty if it is the
   * layer or the archive as a whole.
   */
  public Optional<String> path() {
    return Optional.ofNullable(path);
  }

  /** The digest the whole must have; empty if it is about a file. */
  public Optional<Digest> expected() {
    return Optional.ofNullable(expected);
  }

  /** The digest the whole has; empty if it is about a file. */
  public Optional<Digest> actual() {
    return Optional.ofNullable(actual);
  }
}
