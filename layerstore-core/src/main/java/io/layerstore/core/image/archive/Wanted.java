package io.layerstore.core.image.archive;

import io.layerstore.Platform;
import org.jspecify.annotations.Nullable;

/**
 * Which images are wanted where there is a choice between platforms.
 *
 * @param platform the one asked for; null for the one of this machine
 * @param all whether those for other platforms are wanted as well
 */
record Wanted(@Nullable Platform platform, boolean all) {

  /** The only platform of which images are wanted; null for any. */
  @Nullable Platform only() {
    return all ? null : platform;
  }
}
