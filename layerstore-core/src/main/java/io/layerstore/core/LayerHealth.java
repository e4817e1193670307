package io.layerstore.core;

import io.layerstore.DiffId;
import io.layerstore.LayerStoreException;
import io.layerstore.Limits;
import io.layerstore.core.codec.CompressionFormat;
import io.layerstore.core.codec.DecompressedStream;
import io.layerstore.core.codec.Decompression;
import io.layerstore.core.tarsplit.AssembledStream;
import io.layerstore.spi.FileGetter;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells whether what is on disk is what a layer's metadata says.
 *
 * <p>The quick look, once a layer and process, finds a missing directory and a missing or truncated
 * tar-split. It does not read the layer's files; an export does, and what it finds is remembered.
 */
final class LayerHealth {

  private static final Logger log = LoggerFactory.getLogger(LayerHealth.class);

  private final StoreContext store;

  LayerHealth(StoreContext store) {
    this.store = store;
  }

  /**
   * Whether nothing is known to be wrong with the layer, after a quick look if there was none yet.
   */
  boolean isSound(RoLayer layer) {
    if (layer.health() == RoLayer.Health.UNKNOWN) {
      layer.setHealth(looksSound(layer) ? RoLayer.Health.SOUND : RoLayer.Health.DAMAGED);
    }
    return layer.health() == RoLayer.Health.SOUND;
  }

  private boolean looksSound(RoLayer layer) {
    try {
      if (!store.driver().exists(layer.cacheId())) {
        return false;
      }
      try (InputStream compressed = store.metadata().tarSplit(layer.chainId());
          DecompressedStream tarSplit = Decompression.open(compressed, Limits.NONE)) {
        tarSplit.transferTo(OutputStream.nullOutputStream());
        return tarSplit.format() == CompressionFormat.GZIP;
      }
    } catch (IOException e) {
      log.warn("layer {} is damaged: {}", layer.chainId(), e.getMessage());
      return false;
    }
  }

  /**
   * Whether {@code tarSplit}, uncompressed, and the files of the driver's layer {@code cacheId}
   * make exactly {@code diffId}.
   */
  boolean verifies(InputStream tarSplit, String cacheId, DiffId diffId) {
    try (FileGetter files = store.driver().files(cacheId);
        InputStream archive = new AssembledStream(tarSplit, "the new tar-split", files, diffId)) {
      archive.transferTo(OutputStream.nullOutputStream());
      return true;
    } catch (IOException e) {
      log.debug("the files of layer {} are not those of {}: {}", cacheId, diffId, e.getMessage());
      return false;
    }
  }

  /** Whether the driver has files under {@code cacheId}; false also if that cannot be told. */
  boolean hasFiles(String cacheId) {
    try {
      return store.driver().exists(cacheId);
    } catch (LayerStoreException e) {
      log.debug("cannot tell whether the driver has {}: {}", cacheId, e.getMessage());
      return false;
    }
  }
}
