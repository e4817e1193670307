package io.layerstore.core.layer;

import io.layerstore.DiffId;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.Limits;
import io.layerstore.StoreCorruptedException;
import io.layerstore.core.codec.CompressionFormat;
import io.layerstore.core.codec.DecompressedStream;
import io.layerstore.core.codec.Decompression;
import io.layerstore.core.state.RoLayer;
import io.layerstore.core.state.StoreContext;
import io.layerstore.core.tarsplit.AssembledStream;
import io.layerstore.core.tarsplit.QuickCheck;
import io.layerstore.spi.FileGetter;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells whether what is on disk is what a layer's metadata says.
 *
 * <p>The quick look, once a layer and store that was opened when the layer was there, finds what
 * the driver's notes tell, a missing or damaged tar-split, files that are missing, of another type
 * or of another size than in the layer's archive, and directories and links that are missing. It
 * does not read the layer's files; an export does, and what it finds is remembered.
 */
public final class LayerHealth {

  private static final Logger log = LoggerFactory.getLogger(LayerHealth.class);

  private final StoreContext store;

  public LayerHealth(StoreContext store) {
    this.store = store;
  }

  /**
   * Whether nothing is known to be wrong with the layer, after a quick look if there was none yet.
   *
   * @param verifies whether to read the layer's files, whatever is known, and compare the whole
   *     with the diff ID
   */
  boolean isSound(RoLayer layer, boolean verifies) {
    if (layer.health() == RoLayer.Health.UNKNOWN) {
      look(layer, () -> requireAsRecorded(layer));
    }
    if (verifies && layer.health() == RoLayer.Health.SOUND) {
      look(layer, () -> requireVerified(layer));
    }
    return layer.health() == RoLayer.Health.SOUND;
  }

  /** A tar-split document, uncompressed, to be read more than once. */
  @FunctionalInterface
  interface Document {
    InputStream open() throws IOException;
  }

  /** Something that fails unless a layer is sound. */
  @FunctionalInterface
  private interface Check {
    void run() throws IOException;
  }

  private static void look(RoLayer layer, Check check) {
    try {
      check.run();
      layer.setHealth(RoLayer.Health.SOUND);
    } catch (IOException e) {
      log.debug("layer {} is damaged: {}", layer.chainId(), e.getMessage());
      layer.setHealth(RoLayer.Health.DAMAGED);
    }
  }

  private void requireAsRecorded(RoLayer layer) throws IOException {
    RoLayer parent = layer.parent();
    String problem =
        store
            .driver()
            .problem(layer.cacheId(), parent == null ? null : parent.cacheId())
            .orElse(null);
    if (problem != null) {
      throw new StoreCorruptedException(layer.cacheId(), problem);
    }
    String documentFile = "the tar-split of " + layer.chainId();
    Set<LayerPath> missing;
    try (InputStream compressed = store.metadata().tarSplit(layer.chainId());
        DecompressedStream tarSplit = Decompression.open(compressed, Limits.NONE)) {
      missing = QuickCheck.run(tarSplit, documentFile, () -> store.driver().files(layer.cacheId()));
      if (tarSplit.format() != CompressionFormat.GZIP) {
        throw new StoreCorruptedException(layer.chainId().toString(), "its tar-split is not gzip");
      }
    }
    if (!missing.isEmpty()) {
      try (InputStream compressed = store.metadata().tarSplit(layer.chainId());
          DecompressedStream tarSplit = Decompression.open(compressed, Limits.NONE)) {
        missing = QuickCheck.unexplained(tarSplit, documentFile, missing);
      }
    }
    if (!missing.isEmpty()) {
      throw new StoreCorruptedException(
          layer.cacheId(), "/" + missing.iterator().next() + " is missing");
    }
  }

  private void requireVerified(RoLayer layer) throws IOException {
    try (InputStream compressed = store.metadata().tarSplit(layer.chainId());
        DecompressedStream tarSplit = Decompression.open(compressed, Limits.NONE);
        FileGetter files = store.driver().files(layer.cacheId());
        InputStream archive =
            new AssembledStream(
                tarSplit,
                "the tar-split of " + layer.chainId(),
                files,
                layer.record().diffId(),
                store.executor())) {
      archive.transferTo(OutputStream.nullOutputStream());
    }
  }

  /**
   * Whether {@code tarSplit} and the files of the driver's layer {@code cacheId} make exactly
   * {@code diffId}, and nothing without content is missing.
   */
  boolean verifies(Document tarSplit, String cacheId, DiffId diffId) {
    String documentFile = "the new tar-split";
    try {
      try (FileGetter files = store.driver().files(cacheId);
          InputStream document = tarSplit.open();
          InputStream archive =
              new AssembledStream(document, documentFile, files, diffId, store.executor())) {
        archive.transferTo(OutputStream.nullOutputStream());
      }
      Set<LayerPath> missing;
      try (InputStream document = tarSplit.open()) {
        missing = QuickCheck.run(document, documentFile, () -> store.driver().files(cacheId));
      }
      if (!missing.isEmpty()) {
        try (InputStream document = tarSplit.open()) {
          missing = QuickCheck.unexplained(document, documentFile, missing);
        }
      }
      return missing.isEmpty();
    } catch (IOException e) {
      log.debug("the files of layer {} are not those of {}: {}", cacheId, diffId, e.getMessage());
      return false;
    }
  }

  /**
   * Whether the driver has the layer {@code cacheId} in good order, on {@code parent}; false also
   * if that cannot be told.
   */
  boolean isInOrder(String cacheId, @Nullable String parent) {
    try {
      return store.driver().problem(cacheId, parent).isEmpty();
    } catch (LayerStoreException e) {
      log.debug("cannot tell how {} is in the driver", cacheId, e);
      return false;
    }
  }
}
