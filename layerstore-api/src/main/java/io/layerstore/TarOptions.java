package io.layerstore;

import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How to write the archive of a layer. Immutable.
 *
 * <p>The same files and options give the same bytes. Another release of the library that compresses
 * may give others, around the same archive.
 *
 * @param latestTime the latest time that an entry may have: later ones become this, earlier ones
 *     stay as they are; null for no limit. For archives that are made from files
 * @param compression how the archive is compressed
 * @see <a href="https://reproducible-builds.org/specs/source-date-epoch/">SOURCE_DATE_EPOCH</a>
 */
public record TarOptions(@Nullable Instant latestTime, Compression compression) {

  /** All times as they are, no compression. */
  public static final TarOptions DEFAULT = new TarOptions(null, Compression.NONE);

  /** Rejects a missing compression. */
  public TarOptions {
    Objects.requireNonNull(compression, "compression");
  }

  /** These options with another latest time, or with none. */
  public TarOptions withLatestTime(@Nullable Instant newLatestTime) {
    return new TarOptions(newLatestTime, compression);
  }

  /** These options with another compression. */
  public TarOptions withCompression(Compression newCompression) {
    return new TarOptions(latestTime, newCompression);
  }
}
