package io.layerstore.core.image.archive;

import io.layerstore.Descriptor;
import io.layerstore.Digest;
import io.layerstore.InvalidImageException;
import io.layerstore.LayerVerificationException;
import io.layerstore.Platform;
import io.layerstore.core.json.GoStruct;
import java.io.IOException;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What an OCI document says about another blob.
 *
 * @param mediaType what it is
 * @param digest the digest of its bytes
 * @param sizeBytes how many there are
 * @param urls other places it can be had from
 * @param annotations free key-value pairs
 * @param platform the platform it is for, or null
 * @see <a href="https://github.com/opencontainers/image-spec/blob/v1.1.0/descriptor.md">OCI content
 *     descriptors</a>
 */
record BlobDescriptor(
    String mediaType,
    Digest digest,
    long sizeBytes,
    List<String> urls,
    Map<String, String> annotations,
    @Nullable Platform platform) {

  static BlobDescriptor of(GoStruct json) throws InvalidImageException {
    Digest digest;
    try {
      digest = Digest.parse(json.text("digest"));
    } catch (IllegalArgumentException e) {
      throw json.invalid("a descriptor has no valid digest: " + e.getMessage());
    }
    long size = json.integer("size", -1);
    if (size < 0) {
      throw json.invalid("the descriptor of " + digest + " has no valid size");
    }
    GoStruct platform = json.struct("platform");
    return new BlobDescriptor(
        json.text("mediaType"),
        digest,
        size,
        List.copyOf(json.texts("urls")),
        json.textMap("annotations"),
        platform == null ? null : platform(platform));
  }

  private static Platform platform(GoStruct json) throws InvalidImageException {
    return new Platform(
        json.text("architecture"),
        json.text("os"),
        text(json, "os.version"),
        json.texts("os.features"),
        text(json, "variant"));
  }

  private static Optional<String> text(GoStruct json, String name) throws InvalidImageException {
    return Optional.of(json.text(name)).filter(text -> !text.isEmpty());
  }

  /** The same, for a platform that was found out. */
  BlobDescriptor withPlatform(Platform known) {
    return new BlobDescriptor(mediaType, digest, sizeBytes, urls, annotations, known);
  }

  /** What drivers and registries are told of it. */
  Descriptor toDescriptor() {
    return new Descriptor(
        mediaType, sizeBytes, digest, urls, annotations, Optional.ofNullable(platform));
  }

  /**
   * The document it describes, at {@code path}.
   *
   * @throws MissingMemberException if it is not in the archive
   * @throws LayerVerificationException if it is another one
   */
  byte[] document(Members members, String path, int maxBytes) throws IOException {
    byte[] bytes = members.document(path, maxBytes);
    requireSize(bytes.length);
    MessageDigest actual = digest.algorithm().newMessageDigest();
    requireDigest(actual.digest(bytes));
    return bytes;
  }

  /** Checks the size of a blob. */
  void requireSize(long actual) throws InvalidImageException {
    if (actual != sizeBytes) {
      throw new InvalidImageException(
          "the blob "
              + digest
              + " has "
              + actual
              + " bytes in place of "
              + sizeBytes
              + "; get the archive again from its source");
    }
  }

  /** Checks the digest of a blob. */
  void requireDigest(byte[] hash) throws LayerVerificationException {
    Digest actual = new Digest(digest.algorithm(), HexFormat.of().formatHex(hash));
    if (!actual.equals(digest)) {
      throw new LayerVerificationException(
          "the blob "
              + digest
              + " has digest "
              + actual
              + "; get the archive again from its source",
          digest,
          actual);
    }
  }
}
