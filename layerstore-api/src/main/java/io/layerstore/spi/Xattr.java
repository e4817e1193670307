package io.layerstore.spi;

import io.layerstore.ByteString;
import java.util.Objects;

/**
 * One extended attribute.
 *
 * @param name its full name, such as {@code security.capability}
 * @param value its value, any bytes
 */
public record Xattr(ByteString name, ByteString value) {

  /** Rejects nulls. */
  public Xattr {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(value, "value");
  }

  /** Without the value, which may be anything. */
  @Override
  public String toString() {
    return name + " (" + value.length() + " bytes)";
  }
}
