package io.layerstore.cli;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Where the store is when the command line does not say. */
final class DefaultRoot {
  private DefaultRoot() {}

  /**
   * The directory {@code LAYERSTORE_ROOT} names; else {@code /var/lib/layerstore} for root; else
   * {@code layerstore} in the user's data directory, as the XDG base directory specification finds
   * it. Empty for a user without a home.
   */
  static Optional<Path> of(Map<String, String> environment, @Nullable String user) {
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
}
