package io.layerstore;

/**
 * What a layer archive may ask for before it is {@linkplain ArchiveException.Kind#LIMIT_EXCEEDED
 * refused}. Immutable; made with {@link #builder}.
 *
 * <p>{@link Long#MAX_VALUE} and {@link Integer#MAX_VALUE} mean no limit. The defaults are generous:
 * no real image known to us exceeds them.
 */
public final class Limits {

  /** The limits that a builder begins with. */
  public static final Limits DEFAULT = builder().build();

  /** No limit but those of the formats themselves. */
  public static final Limits NONE =
      builder()
          .maxUnpackedBytes(Long.MAX_VALUE)
          .maxEntries(Long.MAX_VALUE)
          .maxPathBytes(Integer.MAX_VALUE)
          .maxPathDepth(Integer.MAX_VALUE)
          .maxHeaderBytes(Integer.MAX_VALUE)
          .maxXattrs(Integer.MAX_VALUE)
          .maxXattrBytes(Integer.MAX_VALUE)
          .maxCompressionRatio(Long.MAX_VALUE)
          .build();

  private final long maxUnpackedBytes;
  private final long maxEntries;
  private final int maxPathBytes;
  private final int maxPathDepth;
  private final int maxHeaderBytes;
  private final int maxXattrs;
  private final int maxXattrBytes;
  private final long maxCompressionRatio;

  private Limits(Builder builder) {
    maxUnpackedBytes = builder.maxUnpackedBytes;
    maxEntries = builder.maxEntries;
    maxPathBytes = builder.maxPathBytes;
    maxPathDepth = builder.maxPathDepth;
    maxHeaderBytes = builder.maxHeaderBytes;
    maxXattrs = builder.maxXattrs;
    maxXattrBytes = builder.maxXattrBytes;
    maxCompressionRatio = builder.maxCompressionRatio;
    requirePositive("maxUnpackedBytes", maxUnpackedBytes);
    requirePositive("maxEntries", maxEntries);
    requirePositive("maxPathBytes", maxPathBytes);
    requirePositive("maxPathDepth", maxPathDepth);
    requirePositive("maxHeaderBytes", maxHeaderBytes);
    requirePositive("maxXattrs", maxXattrs);
    requirePositive("maxXattrBytes", maxXattrBytes);
    requirePositive("maxCompressionRatio", maxCompressionRatio);
  }

  /** A builder with the default limits. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * The size of the uncompressed archive, and the sum of the logical sizes of its files, in bytes.
   */
  public long maxUnpackedBytes() {
    return maxUnpackedBytes;
  }

  /** The number of archive entries. */
  public long maxEntries() {
    return maxEntries;
  }

  /** The length of a normalised path or a link target, in bytes. */
  public int maxPathBytes() {
    return maxPathBytes;
  }

  /** The number of names in a path. */
  public int maxPathDepth() {
    return maxPathDepth;
  }

  /** The size of one PAX or GNU extension record, sparse maps included, in bytes. */
  public int maxHeaderBytes() {
    return maxHeaderBytes;
  }

  /** The number of extended attributes of one entry. */
  public int maxXattrs() {
    return maxXattrs;
  }

  /** The size of one extended attribute's value, in bytes. */
  public int maxXattrBytes() {
    return maxXattrBytes;
  }

  /**
   * Uncompressed bytes for each compressed byte, checked past the first 16 MiB; no limit by
   * default, because zero-filled files are legitimate.
   */
  public long maxCompressionRatio() {
    return maxCompressionRatio;
  }

  private static void requirePositive(String name, long value) {
    if (value <= 0) {
      throw new IllegalArgumentException(name + " is not positive: " + value);
    }
  }

  /** A builder with these limits. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.maxUnpackedBytes = maxUnpackedBytes;
    builder.maxEntries = maxEntries;
    builder.maxPathBytes = maxPathBytes;
    builder.maxPathDepth = maxPathDepth;
    builder.maxHeaderBytes = maxHeaderBytes;
    builder.maxXattrs = maxXattrs;
    builder.maxXattrBytes = maxXattrBytes;
    builder.maxCompressionRatio = maxCompressionRatio;
    return builder;
  }

  /** Collects limits. Not safe for use by several threads. */
  public static final class Builder {
    private long maxUnpackedBytes = 256L << 30;
    private long maxEntries = 5_000_000;
    private int maxPathBytes = 4095;
    private int maxPathDepth = 1024;
    private int maxHeaderBytes = 1 << 20;
    private int maxXattrs = 128;
    private int maxXattrBytes = 64 << 10;
    private long maxCompressionRatio = Long.MAX_VALUE;

    private Builder() {}

    /** Sets {@link Limits#maxUnpackedBytes}; 256 GiB unless set. */
    public Builder maxUnpackedBytes(long maxUnpackedBytes) {
      this.maxUnpackedBytes = maxUnpackedBytes;
      return this;
    }

    /** Sets {@link Limits#maxEntries}; 5 million unless set. */
    public Builder maxEntries(long maxEntries) {
      this.maxEntries = maxEntries;
      return this;
    }

    /** Sets {@link Limits#maxPathBytes}; 4,095 unless set. */
    public Builder maxPathBytes(int maxPathBytes) {
      this.maxPathBytes = maxPathBytes;
      return this;
    }

    /** Sets {@link Limits#maxPathDepth}; 1,024 unless set. */
    public Builder maxPathDepth(int maxPathDepth) {
      this.maxPathDepth = maxPathDepth;
      return this;
    }

    /** Sets {@link Limits#maxHeaderBytes}; 1 MiB unless set. */
    public Builder maxHeaderBytes(int maxHeaderBytes) {
      this.maxHeaderBytes = maxHeaderBytes;
      return this;
    }

    /** Sets {@link Limits#maxXattrs}; 128 unless set. */
    public Builder maxXattrs(int maxXattrs) {
      this.maxXattrs = maxXattrs;
      return this;
    }

    /** Sets {@link Limits#maxXattrBytes}; 64 KiB unless set. */
    public Builder maxXattrBytes(int maxXattrBytes) {
      this.maxXattrBytes = maxXattrBytes;
      return this;
    }

    /** Sets {@link Limits#maxCompressionRatio}; no limit unless set. */
    public Builder maxCompressionRatio(long maxCompressionRatio) {
      this.maxCompressionRatio = maxCompressionRatio;
      return this;
    }

    /**
     * Makes the limits.
     *
     * @throws IllegalArgumentException if one is not positive
     */
    public Limits build() {
      return new Limits(this);
    }
  }
}
