package io.layerstore;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * The hash functions a {@link Digest} can be made with, as registered by the OCI image
 * specification.
 *
 * <p>Layers are identified by SHA-256 alone; the others are recognised so that an error can say so.
 */
public enum DigestAlgorithm {
  /** SHA-256, 64 hexadecimal digits. */
  SHA256("sha256", "SHA-256", 64),
  /** SHA-384, 96 hexadecimal digits. */
  SHA384("sha384", "SHA-384", 96),
  /** SHA-512, 128 hexadecimal digits. */
  SHA512("sha512", "SHA-512", 128);

  private final String id;
  private final String javaName;
  private final int hexLength;

  DigestAlgorithm(String id, String javaName, int hexLength) {
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
