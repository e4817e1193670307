package io.layerstore;

import java.util.Objects;

/**
 * A manifest or an index as it came, from a registry or with an OCI layout.
 *
 * @param descriptor its media type, size and digest
 * @param bytes its bytes, which have that digest
 */
public record ImageManifest(Descriptor descriptor, ByteString bytes) {

  /** Rejects nulls. */
  public ImageManifest {
    Objects.requireNonNull(descriptor, "descriptor");
    Objects.requireNonNull(bytes, "bytes");
  }
}
