package io.layerstore;

import java.util.Optional;

/**
 * What is known of a read-write layer at one moment. Not a handle: the layer may be released at any
 * time.
 *
 * @param name the name its creator gave it
 * @param mountId the name of its directory in the graph driver
 * @param initId the name of its init layer's directory in the graph driver; empty if it has none
 * @param parent the chain ID of the layer below; empty if it stands on nothing
 * @param mounts how many mounts of it this store holds
 */
public record RWLayerInfo(
    String name, String mountId, Optional<String> initId, Optional<ChainId> parent, int mounts) {}
