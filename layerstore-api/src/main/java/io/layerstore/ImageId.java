package io.layerstore;

import org.jspecify.annotations.Nullable;

/**
 * The identity of an image: the SHA-256 of the exact bytes of its configuration.
 *
 * @param digest the SHA-256 digest
 */
public record ImageId(Digest digest) implements Comparable<ImageId> {

  /**
   * Checks the algorithm.
   *
   * @throws IllegalArgumentException if {@code digest} is not SHA-256
   */
  public ImageId {
    if (digest.algorithm() != Digest.Algorithm.SHA256) {
      throw new IllegalArgumentException("unsupported digest algorithm for an image id: " + digest);
    }
  }

  /**
   * Reads {@code sha256:hex}.
   *
   * @throws IllegalArgumentException if {@code text} is not a SHA-256 digest
   */
  public static ImageId parse(String text) {
    return new ImageId(Digest.parse(text));
  }

  /** The identity of the image with this configuration. */
  public static ImageId of(byte[] config) {
    return new ImageId(Digest.sha256Of(config));
  }

  // By hand, as in Digest: those of a record are made when they are first called, which takes long.

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof ImageId id && id.digest.equals(digest);
  }

  @Override
  public int hashCode() {
    return digest.hashCode();
  }

  @Override
  public int compareTo(ImageId other) {
    return digest.compareTo(other.digest);
  }

  /** The digest's text. */
  @Override
  public String toString() {
    return digest.toString();
  }
}
