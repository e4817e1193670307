package io.layerstore;

/**
 * What is known of a layer that a release deleted.
 *
 * @param chainId its chain ID
 * @param diffId its diff ID
 * @param sizeBytes the size of the layer and all layers below it, in bytes
 * @param diffSizeBytes the size of this layer alone, in bytes
 */
public record LayerMetadata(ChainId chainId, DiffId diffId, long sizeBytes, long diffSizeBytes) {}
