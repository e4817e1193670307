package io.layerstore.core.image.archive;

import io.layerstore.DiffId;
import org.jspecify.annotations.Nullable;

/**
 * A layer of an archive.
 *
 * @param diffId the digest of the layer, uncompressed
 * @param place where it is
 */
record ArchivedLayer(DiffId diffId, Place place) {

  /**
   * Where a layer is in an archive.
   *
   * @param path the member that holds it, compressed or not
   * @param expected what the member must be; null if the archive does not say
   */
  record Place(String path, @Nullable BlobDescriptor expected) {}
}
