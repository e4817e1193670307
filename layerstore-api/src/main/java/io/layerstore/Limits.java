package io.layerstore;

/**
 * What a layer archive may ask for before it is refused with {@link ArchiveException}. Immutable.
 *
 * <p>{@link Long#MAX_VALUE} and {@link Integer#MAX_VALUE} mean no limit. The defaults are generous:
 * no real image known to us meets them.
 *
 * @param maxUnpackedBytes the size of the uncompressed archive, and the sum of the logical sizes of
 *     its files, in bytes
 * @param maxEntries the number of archive entries
 * @param maxPathBytes the length of a normalised path or a link target, in bytes
 * @param maxPathDepth the number of names in a path
 * @param maxHeaderBytes the size of one PAX or GNU extension record, sparse maps included, in bytes
 * @param maxXattrs the number of extended attributes of one entry
 * @param maxXattrBytes the size of one extended attribute's value, in bytes
 * @param maxCompressionRatio uncompressed bytes for each compressed byte, checked past the first 16
 *     MiB; off by default, because zero-filled files are legitimate
 */
public record Limits(
    long maxUnpackedBytes,
    long maxEntries,
    int maxPathBytes,
    int maxPathDepth,
    int maxHeaderBytes,
    int maxXattrs,
    int maxXattrBytes,
    long maxCompressionRatio) {

  /**
   * 256 GiB, 5 million entries, 4,095-byte paths of 1,024 names, 1 MiB headers, 128 xattrs of 64
   * KiB, any ratio.
   */
  public static final Limits DEFAULT =
      new Limits(256L << 30, 5_000_000, 4095, 1024, 1 << 20, 128, 64 << 10, Long.MAX_VALUE);

  /** No limit but those of the formats themselves. */
  public static final Limits NONE =
      new Limits(
          Long.MAX_VALUE,
          Long.MAX_VALUE,
          Integer.MAX_VALUE,
          Integer.MAX_VALUE,
          Integer.MAX_VALUE,
          Integer.MAX_VALUE,
          Integer.MAX_VALUE,
          Long.MAX_VALUE);

  /**
   * Checks the values.
   *
   * @throws IllegalArgumentException if a limit is not positive
   */
  public Limits {
    requirePositive("maxUnpackedBytes", maxUnpackedBytes);
    requirePositive("maxEntries", maxEntries);
    requirePositive("maxPathBytes", maxPathBytes);
    requirePositive("maxPathDepth", maxPathDepth);
    requirePositive("maxHeaderBytes", maxHeaderBytes);
    requirePositive("maxXattrs", maxXattrs);
    requirePositive("maxXattrBytes", maxXattrBytes);
    requirePositive("maxCompressionRatio", maxCompressionRatio);
  }

  private static void requirePositive(String name, long value) {
    if (value <= 0) {
      throw new IllegalArgumentException(name + " is not positive: " + value);
    }
  }

  /** These limits with another {@link #maxUnpackedBytes}. */
  public Limits withMaxUnpackedBytes(long bytes) {
    return new Limits(
        bytes,
        maxEntries,
        maxPathBytes,
        maxPathDepth,
        maxHeaderBytes,
        maxXattrs,
        maxXattrBytes,
        maxCompressionRatio);
  }

  /** These limits with another {@link #maxEntries}. */
  public Limits withMaxEntries(long entries) {
    return new Limits(
        maxUnpackedBytes,
        entries,
        maxPathBytes,
        maxPathDepth,
        maxHeaderBytes,
        maxXattrs,
        maxXattrBytes,
        maxCompressionRatio);
  }

  /** These limits with other path limits. */
  public Limits withMaxPath(int bytes, int depth) {
    return new Limits(
        maxUnpackedBytes,
        maxEntries,
        bytes,
        depth,
        maxHeaderBytes,
        maxXattrs,
        maxXattrBytes,
        maxCompressionRatio);
  }

  /** These limits with another {@link #maxHeaderBytes}. */
  public Limits withMaxHeaderBytes(int bytes) {
    return new Limits(
        maxUnpackedBytes,
        maxEntries,
        maxPathBytes,
        maxPathDepth,
        bytes,
        maxXattrs,
        maxXattrBytes,
        maxCompressionRatio);
  }

  /** These limits with other limits for extended attributes. */
  public Limits withMaxXattrs(int count, int valueBytes) {
    return new Limits(
        maxUnpackedBytes,
        maxEntries,
        maxPathBytes,
        maxPathDepth,
        maxHeaderBytes,
        count,
        valueBytes,
        maxCompressionRatio);
  }

  /** These limits with another {@link #maxCompressionRatio}. */
  public Limits withMaxCompressionRatio(long ratio) {
    return new Limits(
        maxUnpackedBytes,
        maxEntries,
        maxPathBytes,
        maxPathDepth,
        maxHeaderBytes,
        maxXattrs,
        maxXattrBytes,
        ratio);
  }
}
