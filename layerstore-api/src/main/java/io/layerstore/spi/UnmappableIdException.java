package io.layerstore.spi;

import io.layerstore.DriverException;
import io.layerstore.IdMapping;

/** A file's owner has no counterpart in the store's {@link IdMapping}. */
public class UnmappableIdException extends DriverException {
  private static final long serialVersionUID = 1L;

  private final long unmappedId;

  /** About the user or group id {@code unmappedId} of the entry {@code path}. */
  public UnmappableIdException(
      String driver, String id, String path, String kind, long unmappedId, String mapping) {
    super(
        driver,
        id,
        "/"
            + path
            + ": container "
            + kind
            + " "
            + unmappedId
            + " cannot be mapped to a host id by "
            + mapping
            + "; extend the id mapping",
        null);
    this.unmappedId = unmappedId;
  }

  private UnmappableIdException(UnmappableIdException failure, String layer) {
    super(failure, layer);
    this.unmappedId = failure.unmappedId;
  }

  @Override
  protected UnmappableIdException tellOf(String layer) {
    return new UnmappableIdException(this, layer);
  }

  /** The id inside the layer that no range has. */
  public long unmappedId() {
    return unmappedId;
  }
}
