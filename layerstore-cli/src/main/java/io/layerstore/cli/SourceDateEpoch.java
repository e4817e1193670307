package io.layerstore.cli;

import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The time that builds which want the same result twice agree on.
 *
 * @see <a href="https://reproducible-builds.org/specs/source-date-epoch/">SOURCE_DATE_EPOCH</a>
 */
final class SourceDateEpoch {
  private static final String NAME = "SOURCE_DATE_EPOCH";

  /** The end of the year 9999: later times cannot be written into an image's configuration. */
  private static final long MAX_SECONDS = 253_402_300_799L;

  private SourceDateEpoch() {}

  /**
   * The time that {@code SOURCE_DATE_EPOCH} says, in seconds since 1970; null if it is not set.
   *
   * @throws IllegalArgumentException if it is set to something else, nothing included
   */
  static @Nullable Instant of(Map<String, String> environment) {
    String text = environment.get(NAME);
    if (text == null) {
      return null;
    }
    if (!text.matches("[0-9]{1,18}") || Long.parseLong(text) > MAX_SECONDS) {
      throw new IllegalArgumentException(
          NAME + " must be seconds since 1970, at most " + MAX_SECONDS + ", but is '" + text + "'");
    }
    return Instant.ofEpochSecond(Long.parseLong(text));
  }
}
