package io.layerstore.spi;

import io.layerstore.ChainId;
import io.layerstore.Descriptor;
import io.layerstore.DiffId;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What the metadata store knows of a layer.
 *
 * @param chainId its chain ID
 * @param diffId its diff ID
 * @param parent the chain ID of the layer below, or null
 * @param cacheId its id in the graph driver
 * @param sizeBytes the size of this layer alone, in bytes
 * @param descriptor where its bytes came from, or null
 */
public record LayerRecord(
    ChainId chainId,
    DiffId diffId,
    @Nullable ChainId parent,
    String cacheId,
    long sizeBytes,
    @Nullable Descriptor descriptor) {

  /**
   * Checks that the chain ID follows from the others.
   *
   * @throws IllegalArgumentException if it does not, if the cache id is not one safe path
   *     component, or if the size is negative
   */
  public LayerRecord {
    Objects.requireNonNull(chainId, "chainId");
    if (!ChainId.of(parent, diffId).equals(chainId)) {
      throw new IllegalArgumentException(
          "chain id "
              + chainId
              + " does not follow from diff id "
              + diffId
              + " and parent "
              + parent);
    }
    DriverIds.requireValid(cacheId);
    if (sizeBytes < 0) {
      throw new IllegalArgumentException("size is negative: " + sizeBytes);
    }
  }
}
