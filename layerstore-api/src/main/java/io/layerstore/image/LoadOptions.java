package io.layerstore.image;

import io.layerstore.Platform;
import io.layerstore.ProgressListener;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * How to load an image archive. Immutable.
 *
 * @param platformOrNull the platform to take where an OCI index offers several; null for the one of
 *     this machine
 * @param progress where to report progress
 */
public record LoadOptions(@Nullable Platform platformOrNull, ProgressListener progress) {

  /** The platform of this machine; no progress. */
  public static final LoadOptions DEFAULT = new LoadOptions(null, ProgressListener.NONE);

  /** Rejects a missing listener. */
  public LoadOptions {
    Objects.requireNonNull(progress, "progress");
  }

  /** The platform to take; empty for the one of this machine. */
  public Optional<Platform> platform() {
    return Optional.ofNullable(platformOrNull);
  }

  /** These options with another platform. */
  public LoadOptions withPlatform(@Nullable Platform platform) {
    return new LoadOptions(platform, progress);
  }

  /** These options with another listener. */
  public LoadOptions withProgress(ProgressListener listener) {
    return new LoadOptions(platformOrNull, listener);
  }
}
