package io.layerstore;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A graph driver could not do what was asked. */
public class DriverException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final String driver;
  private final @Nullable String id;
  private final String problem;
  private final boolean isNamed;

  /** About the driver as a whole, or about its layer {@code id}. */
  public DriverException(
      String driver, @Nullable String id, String problem, @Nullable Throwable cause) {
    super(driver + (id == null ? "" : " layer " + id) + ": " + problem, cause);
    this.driver = driver;
    this.id = id;
    this.problem = problem;
    this.isNamed = id == null;
  }

  /**
   * Repeats {@code failure}, which becomes the cause, with the user's name for the layer in place
   * of the driver's id.
   */
  protected DriverException(DriverException failure, String layer) {
    super(failure.driver + ": " + layer + ": " + failure.problem, failure);
    this.driver = failure.driver;
    this.id = failure.id;
    this.problem = failure.problem;
    this.isNamed = true;
  }

  /**
   * The same failure with the user's name for the layer, such as {@code read-write layer work}, in
   * its message; this one, if it names no layer.
   */
  public final DriverException named(String layer) {
    return isNamed ? this : tellOf(layer);
  }

  /** A subclass that callers catch returns one of its own type. */
  protected DriverException tellOf(String layer) {
    return new DriverException(this, layer);
  }

  /** The name of the driver. */
  public String driver() {
    return driver;
  }

  /**
   * The name of the layer's directory in the driver; empty if it is about the driver as a whole.
   */
  public Optional<String> id() {
    return Optional.ofNullable(id);
  }

  /** What went wrong, without the layer it is about. */
  public String problem() {
    return problem;
  }
}
