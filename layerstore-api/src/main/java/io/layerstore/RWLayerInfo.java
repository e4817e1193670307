package io.layerstore;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a read-write layer at one moment. Not a handle: the layer may be released at any
 * time.
 *
 * @param name the name its creator gave it
 * @param mountId the name of its directory in the graph driver
 * @param initId the name of its init layer's directory in the graph driver, or null
 * @param parentId the chain ID of the layer below, or null
 * @param mounts how many mounts of it this store holds
 */
public record RWLayerInfo(
    String name, String mountId, @Nullable String initId, @Nullable ChainId parentId, int mounts) {

  /** The chain ID of the layer below; empty if it stands on nothing. */
  public Optional<ChainId> parent() {
    return Optional.ofNullable(parentId);
  }
}
