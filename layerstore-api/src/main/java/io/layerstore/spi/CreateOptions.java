package io.layerstore.spi;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How to create a layer's directory. Immutable.
 *
 * @param mountLabel the SELinux label, or null
 * @param storageOptions options for this layer, such as {@code size}
 */
public record CreateOptions(@Nullable String mountLabel, Map<String, String> storageOptions) {

  /** No label, no options. */
  public static final CreateOptions DEFAULT = new CreateOptions(null, Map.of());

  /** Copies the map. */
  public CreateOptions {
    storageOptions = Map.copyOf(storageOptions);
  }
}
