package io.layerstore.core.codec;

import io.layerstore.Compression;

/** How an archive can be compressed. */
public enum CompressionFormat {
  /** Not at all. */
  NONE("uncompressed"),
  /** gzip, RFC 1952, one member or many. */
  GZIP("gzip"),
  /** bzip2, one stream or many. */
  BZIP2("bzip2"),
  /** xz, one stream or many. */
  XZ("xz"),
  /** Zstandard, RFC 8878, one frame or many, skippable ones among them. */
  ZSTD("zstd");

  /** The bytes that {@link #detect} looks at. */
  public static final int MAGIC_BYTES = 10;

  private final String displayName;

  CompressionFormat(String displayName) {
    this.displayName = displayName;
  }

  /** What to write for {@code compression}. */
  public static CompressionFormat of(Compression compression) {
    return switch (compression) {
      case NONE -> NONE;
      case GZIP -> GZIP;
      case ZSTD -> ZSTD;
    };
  }

  /** What people call it. */
  public String displayName() {
    return displayName;
  }

  /**
   * The format of what begins with the first {@code length} bytes of {@code start}.
   *
   * <p>A tar begins with the name of its first file, so the magic must be long enough not to be
   * one: of bzip2, whose {@code BZh} a name may well begin with, the first block's magic is wanted
   * too.
   */
  public static CompressionFormat detect(byte[] start, int length) {
    if (has(start, length, 0, 0x1f, 0x8b, 0x08)) {
      return GZIP;
    }
    if (has(start, length, 0, 0xfd, '7', 'z', 'X', 'Z', 0x00)) {
      return XZ;
    }
    if (has(start, length, 0, 0x28, 0xb5, 0x2f, 0xfd) || isZstdSkippableFrame(start, length)) {
      return ZSTD;
    }
    return isBzip2(start, length) ? BZIP2 : NONE;
  }

  /** Magic numbers 0x184D2A50 to 0x184D2A5F, little-endian, and the frame's size. */
  private static boolean isZstdSkippableFrame(byte[] start, int length) {
    return length >= 8 && (start[0] & 0xf0) == 0x50 && has(start, length, 1, 0x2a, 0x4d, 0x18);
  }

  private static boolean isBzip2(byte[] start, int length) {
    return has(start, length, 0, 'B', 'Z', 'h')
        && length >= MAGIC_BYTES
        && start[3] >= '1'
        && start[3] <= '9'
        && (has(start, length, 4, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59)
            || has(
                start, length, 4, 0x17, 0x72, 0x45, 0x38, 0x50, 0x90)); // no block: an empty stream
  }

  private static boolean has(byte[] start, int length, int offset, int... magic) {
    if (length < offset + magic.length) {
      return false;
    }
    for (int i = 0; i < magic.length; i++) {
      if ((start[offset + i] & 0xff) != magic[i]) {
        return false;
      }
    }
    return true;
  }
}
