package io.layerstore.core.image.archive;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.core.codec.CompressionFormat;
import io.layerstore.core.codec.Compressor;
import io.layerstore.core.layer.ArchiveLayers;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Instant;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A layer in a saved layout.
 *
 * @param diffId the digest of its archive
 * @param chainId one of the layers with this archive
 * @param created when the first image with it was made
 * @param digest the digest of the blob; the diff ID if it is not compressed
 * @param sizeBytes the size of the blob
 */
record SavedLayer(DiffId diffId, ChainId chainId, Instant created, Digest digest, long sizeBytes) {

  /** Where it is in the layout. */
  String path() {
    return LayoutWriter.path(digest);
  }

  /**
   * Writes the archive of a layer, compressed; {@code out} stays open.
   *
   * @return what {@code docker load} will refuse it for; null if nothing is known
   */
  static @Nullable String write(
      ArchiveLayers layers,
      ChainId chainId,
      CompressionFormat format,
      LongConsumer counter,
      OutputStream out)
      throws IOException {
    try (InputStream archive = layers.archive(chainId);
        OutputStream compressed = Compressor.open(format, out)) {
      return CheckedCopy.copy(archive, compressed, counter);
    }
  }
}
