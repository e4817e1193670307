package io.layerstore;

import java.util.Optional;

/**
 * What is known of a layer at one moment. Not a handle: the layer may be released at any time.
 *
 * @param chainId its chain ID
 * @param diffId its diff ID
 * @param parent the chain ID of the layer below; empty for a base layer
 * @param cacheId the name of its directory in the graph driver
 * @param sizeBytes the size of the layer and all layers below it, in bytes
 * @param diffSizeBytes the size of this layer alone, in bytes
 * @param depth the number of layers in its chain, itself included
 * @param usage who holds it
 */
public record LayerInfo(
    ChainId chainId,
    DiffId diffId,
    Optional<ChainId> parent,
    String cacheId,
    long sizeBytes,
    long diffSizeBytes,
    int depth,
    LayerUsage usage) {}
