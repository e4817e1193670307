package io.layerstore.spi;

import io.layerstore.Durability;
import io.layerstore.IdMapping;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;

/**
 * Where and how a driver works. Immutable.
 *
 * @param root the store's root
 * @param home the driver's own directory, {@code <root>/<name>}; may not exist yet
 * @param options the driver's options
 * @param idMapping how owners are shown on the host
 * @param durability how much to force to the disk
 * @param readOnly whether nothing may be written
 */
public record DriverContext(
    Path root,
    Path home,
    Map<String, String> options,
    IdMapping idMapping,
    Durability durability,
    boolean readOnly) {

  /** Rejects nulls and copies the map. */
  public DriverContext {
    Objects.requireNonNull(root, "root");
    Objects.requireNonNull(home, "home");
    options = Map.copyOf(options);
    Objects.requireNonNull(idMapping, "idMapping");
    Objects.requireNonNull(durability, "durability");
  }
}
