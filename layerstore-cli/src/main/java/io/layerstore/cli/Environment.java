package io.layerstore.cli;

import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What variables of the environment say where the command line does not. */
final class Environment {
  private static final String SOURCE_DATE_EPOCH = "SOURCE_DATE_EPOCH";

  /** The end of the year 9999: later times cannot be written into an image's configuration. */
  private static final long MAX_SECONDS = 253_402_300_799L;

  private Environment() {}

  /**
   * Where the store is: the directory {@code LAYERSTORE_ROOT} names; else {@code
   * /var/lib/layerstore} for root; else {@code layerstore} in the user's data directory, as the XDG
   * base directory specification finds it. Empty for a user without a home.
   */
  static Optional<Path> root(Map<String, String> environment, @Nullable String user) {
    String named = environment.getOrDefault("LAYERSTORE_ROOT", "");
    if (!named.isEmpty()) {
      return Optional.of(Path.of(named));
    }
    if ("root".equals(user)) {
      return Optional.of(Path.of("/var/lib/layerstore"));
    }
    return absolute(environment.get("XDG_DATA_HOME"))
        .or(() -> absolute(environment.get("HOME")).map(home -> home.resolve(".local/share")))
        .map(data -> data.resolve("layerstore"));
  }

  /** The specification says to ignore a relative path. */
  private static Optional<Path> absolute(@Nullable String text) {
    return Optional.ofNullable(text).map(Path::of).filter(Path::isAbsolute);
  }

  /**
   * The time that builds which want the same result twice agree on: what {@code SOURCE_DATE_EPOCH}
   * says, in seconds since 1970; null if it is not set.
   *
   * @throws IllegalArgumentException if it is set to something else, nothing included
   * @see <a href="https://reproducible-builds.org/specs/source-date-epoch/">SOURCE_DATE_EPOCH</a>
   */
  static @Nullable Instant sourceDate(Map<String, String> environment) {
    String text = environment.get(SOURCE_DATE_EPOCH);
    if (text == null) {
      return null;
    }
    if (!text.matches("[0-9]{1,18}") || Long.parseLong(text) > MAX_SECONDS) {
      throw new IllegalArgumentException(
          SOURCE_DATE_EPOCH
              + " must be seconds since 1970, at most "
              + MAX_SECONDS
              + ", but is '"
              + text
              + "'");
    }
    return Instant.ofEpochSecond(Long.parseLong(text));
  }
}
