package io.layerstore;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Where a layer's bytes came from: a distribution descriptor, kept with the layer in {@code
 * descriptor.json}.
 *
 * @param mediaType the media type of the blob; may be empty
 * @param sizeBytes the size of the blob, in bytes
 * @param digest the digest of the blob, usually compressed
 * @param urls other places to get the blob from
 * @param annotations free key-value pairs
 * @param platform the platform, where it is said
 */
public record Descriptor(
    String mediaType,
    long sizeBytes,
    Digest digest,
    List<String> urls,
    Map<String, String> annotations,
    Optional<Platform> platform) {

  /**
   * Copies the collections.
   *
   * @throws IllegalArgumentException if {@code sizeBytes} is negative
   */
  public Descriptor {
    Objects.requireNonNull(mediaType, "mediaType");
    Objects.requireNonNull(digest, "digest");
    Objects.requireNonNull(platform, "platform");
    if (sizeBytes < 0) {
      throw new IllegalArgumentException("sizeBytes is negative: " + sizeBytes);
    }
    urls = List.copyOf(urls);
    annotations = Map.copyOf(annotations);
  }

  /** A descriptor without URLs, annotations or platform. */
  public static Descriptor of(String mediaType, long sizeBytes, Digest digest) {
    return new Descriptor(mediaType, sizeBytes, digest, List.of(), Map.of(), Optional.empty());
  }
}
