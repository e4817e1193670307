package io.layerstore;

import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How to write the archive of a layer. Immutable; made with {@link #builder}.
 *
 * <p>The same files and options give the same bytes. Another release of the compression library may
 * give different bytes for the same archive.
 */
public final class TarOptions {

  /** All times as they are, no compression. */
  public static final TarOptions DEFAULT = builder().build();

  private final @Nullable Instant latestTime;
  private final Compression compression;

  private TarOptions(Builder builder) {
    latestTime = builder.latestTime;
    compression = builder.compression;
  }

  /** A builder without any option set. */
  public static Builder builder() {
    return new Builder();
  }

  /** The latest time that an entry may have; empty for no limit. */
  public Optional<Instant> latestTime() {
    return Optional.ofNullable(latestTime);
  }

  /** How the archive is compressed. */
  public Compression compression() {
    return compression;
  }

  /** A builder with these options set. */
  public Builder toBuilder() {
    Builder builder = new Builder();
    builder.latestTime = latestTime;
    builder.compression = compression;
    return builder;
  }

  /** Collects options. Not safe for use by several threads. */
  public static final class Builder {
    private @Nullable Instant latestTime;
    private Compression compression = Compression.NONE;

    private Builder() {}

    /**
     * Sets the latest time that an entry may have: later ones become this, earlier ones stay as
     * they are; null for no limit. For archives that are made from files.
     *
     * @see <a href="https://reproducible-builds.org/specs/source-date-epoch/">SOURCE_DATE_EPOCH</a>
     */
    public Builder latestTime(@Nullable Instant latestTime) {
      this.latestTime = latestTime;
      return this;
    }

    /** Sets how the archive is compressed; {@link Compression#NONE} unless set. */
    public Builder compression(Compression compression) {
      this.compression = Objects.requireNonNull(compression, "compression");
      return this;
    }

    /** Makes the options. */
    public TarOptions build() {
      return new TarOptions(this);
    }
  }
}
