package io.layerstore;

import org.jspecify.annotations.Nullable;

/**
 * The identity of one layer's content: the SHA-256 of its exact, uncompressed tar bytes.
 *
 * @param digest the SHA-256 digest
 */
public record DiffId(Digest digest) implements Comparable<DiffId> {

  /** The diff ID of 1024 zero bytes, the archive with no entries. */
  public static final DiffId EMPTY_TAR =
      parse("sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef");

  /**
   * Checks the algorithm.
   *
   * @throws IllegalArgumentException if {@code digest} is not SHA-256
   */
  public DiffId {
    if (digest.algorithm() != Digest.Algorithm.SHA256) {
      throw new IllegalArgumentException("unsupported digest algorithm for a diff id: " + digest);
    }
  }

  /**
   * Reads {@code sha256:hex}.
   *
   * @throws IllegalArgumentException if {@code text} is not a SHA-256 digest
   */
  public static DiffId parse(String text) {
    return new DiffId(Digest.parse(text));
  }

  // By hand, as in Digest: those of a record are made when they are first called, which takes long.

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof DiffId id && id.digest.equals(digest);
  }

  @Override
  public int hashCode() {
    return digest.hashCode();
  }

  @Override
  public int compareTo(DiffId other) {
    return digest.compareTo(other.digest);
  }

  /** The digest's text. */
  @Override
  public String toString() {
    return digest.toString();
  }
}
