package io.layerstore.spi;

import io.layerstore.ChainId;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What the metadata store knows of a read-write layer.
 *
 * @param name the name its creator gave it
 * @param mountId its id in the graph driver
 * @param initId the id of its init layer in the graph driver, or null
 * @param parent the chain ID of the layer it stands on, or null
 */
public record RWLayerRecord(
    String name, String mountId, @Nullable String initId, @Nullable ChainId parent) {

  private static final Pattern NAME = Pattern.compile("[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}");

  /**
   * Checks the name and the ids.
   *
   * @throws IllegalArgumentException if one is not of the form it must have
   */
  public RWLayerRecord {
    requireValidName(name);
    Objects.requireNonNull(mountId, "mountId");
    if (!DriverIds.isMountId(mountId)) {
      throw new IllegalArgumentException("invalid mount id value");
    }
    if (initId != null && !DriverIds.isMountId(initId)) {
      throw new IllegalArgumentException("invalid init id value");
    }
  }

  /** Whether {@code name} can name a read-write layer. */
  public static boolean isValidName(String name) {
    return NAME.matcher(name).matches();
  }

  /**
   * Returns {@code name}.
   *
   * @throws IllegalArgumentException if it cannot name a read-write layer
   */
  public static String requireValidName(String name) {
    if (!isValidName(name)) {
      String start = name.length() > 140 ? name.substring(0, 140) + "..." : name;
      throw new IllegalArgumentException(
          "invalid name \"" + io.layerstore.ByteString.utf8(start) + "\": use " + NAME.pattern());
    }
    return name;
  }
}
