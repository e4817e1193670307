package io.layerstore;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A content digest, in text {@code sha256:} and 64 lower-case hexadecimal digits.
 *
 * <p>Only a value that passed the checks here is ever used to build a file name. Immutable; safe
 * for use by many threads. Text form as in the <a
 * href="https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests">OCI image
 * specification</a>.
 *
 * @param algorithm the hash function
 * @param hex the hash, in lower-case hexadecimal digits
 */
public record Digest(Algorithm algorithm, String hex) implements Comparable<Digest> {

  /**
   * Checks the digits.
   *
   * @throws IllegalArgumentException if {@code hex} is of the wrong length or has other characters
   */
  public Digest {
    Objects.requireNonNull(algorithm, "algorithm");
    if (hex.length() != algorithm.hexLength()) {
      throw new IllegalArgumentException(
          "invalid checksum digest length: \"" + printable(hex) + "\"");
    }
    for (int i = 0; i < hex.length(); i++) {
      char c = hex.charAt(i);
      if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f')) {
        throw new IllegalArgumentException(
            "invalid checksum digest format: \"" + printable(hex) + "\"");
      }
    }
  }

  /**
   * Reads {@code algorithm:hex}.
   *
   * @throws IllegalArgumentException if {@code text} is not a digest of a known algorithm
   */
  public static Digest parse(String text) {
    int colon = text.indexOf(':');
    if (colon <= 0 || colon == text.length() - 1) {
      throw new IllegalArgumentException(
          "invalid checksum digest format: \"" + printable(text) + "\"");
    }
    String name = text.substring(0, colon);
    for (Algorithm algorithm : Algorithm.values()) {
      if (algorithm.id().equals(name)) {
        return new Digest(algorithm, text.substring(colon + 1));
      }
    }
    throw new IllegalArgumentException("unsupported digest algorithm: \"" + printable(name) + "\"");
  }

  /** The SHA-256 digest whose hash is {@code hash}. */
  public static Digest sha256(byte[] hash) {
    return new Digest(Algorithm.SHA256, HexFormat.of().formatHex(hash));
  }

  /** The SHA-256 digest of {@code content}. */
  public static Digest sha256Of(byte[] content) {
    return sha256(Algorithm.SHA256.newMessageDigest().digest(content));
  }

  /** By hand: a store of thousands of layers compares little else. */
  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Digest digest
        && digest.algorithm == algorithm
        && digest.hex.equals(hex);
  }

  @Override
  public int hashCode() {
    return hex.hashCode();
  }

  @Override
  public int compareTo(Digest other) {
    int byAlgorithm = algorithm.compareTo(other.algorithm);
    return byAlgorithm != 0 ? byAlgorithm : hex.compareTo(other.hex);
  }

  /** The canonical text, {@code algorithm:hex}. */
  @Override
  public String toString() {
    return algorithm.id() + ":" + hex;
  }

  /** Caps and escapes text of unknown origin for a message. */
  private static String printable(String text) {
    String start = text.length() > 160 ? text.substring(0, 160) + "..." : text;
    return ByteString.utf8(start).toString();
  }

  /**
   * The hash functions a {@link Digest} can be made with, as registered by the OCI image
   * specification.
   *
   * <p>Layers are identified by SHA-256 alone; the others are recognised so that an error can say
   * so.
   */
  public enum Algorithm {
    /** SHA-256, 64 hexadecimal digits. */
    SHA256("sha256", "SHA-256", 64),
    /** SHA-384, 96 hexadecimal digits. */
    SHA384("sha384", "SHA-384", 96),
    /** SHA-512, 128 hexadecimal digits. */
    SHA512("sha512", "SHA-512", 128);

    private final String id;
    private final String javaName;
    private final int hexLength;

    Algorithm(String id, String javaName, int hexLength) {
      this.id = id;
      this.javaName = javaName;
      this.hexLength = hexLength;
    }

    /** The name in a digest's text, such as {@code sha256}. */
    public String id() {
      return id;
    }

    /** The number of hexadecimal digits of a digest. */
    public int hexLength() {
      return hexLength;
    }

    /** A fresh hash computation. */
    public MessageDigest newMessageDigest() {
      try {
        return MessageDigest.getInstance(javaName);
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException("the Java platform lacks " + javaName, e);
      }
    }
  }
}
