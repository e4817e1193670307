package io.layerstore;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The identity of a layer together with all layers below it.
 *
 * <p>For a base layer it is the diff ID; above, it is the SHA-256 of the parent's chain ID, one
 * space, and the layer's diff ID, both as text. Source: <a
 * href="https://github.com/opencontainers/image-spec/blob/main/config.md#layer-chainid">OCI image
 * specification, Layer ChainID</a>.
 *
 * @param digest the SHA-256 digest
 */
public record ChainId(Digest digest) implements Comparable<ChainId> {

  /**
   * Checks the algorithm.
   *
   * @throws IllegalArgumentException if {@code digest} is not SHA-256
   */
  public ChainId {
    if (digest.algorithm() != Digest.Algorithm.SHA256) {
      throw new IllegalArgumentException("unsupported digest algorithm for a chain id: " + digest);
    }
  }

  /**
   * Reads {@code sha256:hex}.
   *
   * @throws IllegalArgumentException if {@code text} is not a SHA-256 digest
   */
  public static ChainId parse(String text) {
    return new ChainId(Digest.parse(text));
  }

  /**
   * The chain ID of the layer {@code diffId} on top of {@code parent}; {@code null} for a base
   * layer.
   */
  public static ChainId of(@Nullable ChainId parent, DiffId diffId) {
    if (parent == null) {
      return new ChainId(diffId.digest());
    }
    String joined = parent + " " + diffId;
    return new ChainId(Digest.sha256Of(joined.getBytes(StandardCharsets.US_ASCII)));
  }

  /** The chain ID of a stack, bottom layer first; empty if there are no layers. */
  public static Optional<ChainId> of(List<DiffId> diffIds) {
    if (diffIds.isEmpty()) {
      return Optional.empty();
    }
    ChainId base = of((ChainId) null, diffIds.get(0));
    if (diffIds.size() == 1) {
      return Optional.of(base);
    }
    // On bytes: each step by itself would make texts of what the next takes apart again.
    MessageDigest sha256 = base.digest.algorithm().newMessageDigest();
    byte[] chain = base.toString().getBytes(StandardCharsets.US_ASCII);
    byte[] hash = {};
    for (DiffId diffId : diffIds.subList(1, diffIds.size())) {
      sha256.update(chain);
      sha256.update((byte) ' ');
      hash = sha256.digest(diffId.toString().getBytes(StandardCharsets.US_ASCII));
      putHex(hash, chain);
    }
    return Optional.of(new ChainId(Digest.sha256(hash)));
  }

  /** Puts the digits of {@code hash} at the end of {@code text}. */
  private static void putHex(byte[] hash, byte[] text) {
    int at = text.length - 2 * hash.length;
    for (byte b : hash) {
      text[at++] = (byte) Character.forDigit(b >> 4 & 0xf, 16);
      text[at++] = (byte) Character.forDigit(b & 0xf, 16);
    }
  }

  // By hand, as in Digest: those of a record are made when they are first called, which takes long.

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof ChainId id && id.digest.equals(digest);
  }

  @Override
  public int hashCode() {
    return digest.hashCode();
  }

  @Override
  public int compareTo(ChainId other) {
    return digest.compareTo(other.digest);
  }

  /** The digest's text. */
  @Override
  public String toString() {
    return digest.toString();
  }
}
