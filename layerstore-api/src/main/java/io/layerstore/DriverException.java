package io.layerstore;

import org.jspecify.annotations.Nullable;

/** A graph driver could not do what was asked. */
public class DriverException extends LayerStoreException {
  private static final long serialVersionUID = 1L;

  private final String driver;
  private final @Nullable String id;

  /** About the driver as a whole, or about its layer {@code id}. */
  public DriverException(
      String driver, @Nullable String id, String problem, @Nullable Throwable cause) {
    super(driver + (id == null ? "" : " layer " + id) + ": " + problem, cause);
    this.driver = driver;
    this.id = id;
  }

  /** The name of the driver. */
  public String driver() {
    return driver;
  }

  /** The name of the layer's directory in the driver; null if it is about the driver as a whole. */
  public @Nullable String id() {
    return id;
  }
}
