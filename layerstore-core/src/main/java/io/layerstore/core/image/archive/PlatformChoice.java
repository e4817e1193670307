package io.layerstore.core.image.archive;

import io.layerstore.Platform;
import io.layerstore.image.InvalidImageException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Finds the image for a platform among several.
 *
 * <p>Operating system and architecture must be the same. Of several such, the one of the same
 * variant is taken, else one without a variant; {@code v8} is what {@code arm64} means, and {@code
 * v7} what {@code arm} means. Where a variant is asked for, no other is taken.
 */
final class PlatformChoice {

  /** What the JDK calls the architectures. */
  private static final Map<String, String> ARCHITECTURES =
      Map.of("x86_64", "amd64", "aarch64", "arm64", "x86", "386", "i386", "386", "i686", "386");

  private static final Map<String, String> DEFAULT_VARIANTS = Map.of("arm64", "v8", "arm", "v7");

  private PlatformChoice() {}

  /**
   * The best of {@code choice} for {@code asked}.
   *
   * @param asked the platform; null for the one of this machine
   * @throws InvalidImageException if there is none; says which there are
   */
  static BlobDescriptor pick(List<BlobDescriptor> choice, @Nullable Platform asked)
      throws InvalidImageException {
    Platform wanted = asked == null ? ofThisMachine() : asked;
    BlobDescriptor best = null;
    int bestRank = 0;
    for (BlobDescriptor entry : choice) {
      int rank = rank(entry.platform(), wanted);
      if (rank > bestRank) {
        best = entry;
        bestRank = rank;
      }
    }
    if (best != null) {
      return best;
    }
    if (asked == null && choice.size() == 1 && choice.get(0).platform() == null) {
      return choice.get(0);
    }
    throw new InvalidImageException(
        "the archive has no image for "
            + name(wanted)
            + "; it has "
            + (choice.isEmpty()
                ? "none at all"
                : choice.stream()
                        .map(entry -> name(entry.platform()))
                        .distinct()
                        .sorted()
                        .collect(Collectors.joining(", "))
                    + ": choose one of them"));
  }

  private static int rank(@Nullable Platform offered, Platform wanted) {
    if (offered == null
        || !architecture(offered).equals(architecture(wanted))
        || !offered.os().equalsIgnoreCase(wanted.os())) {
      return 0;
    }
    if (Objects.equals(variant(offered), variant(wanted))) {
      return 3;
    }
    if (wanted.variant() != null) {
      return 0;
    }
    return offered.variant() == null ? 2 : 1;
  }

  private static String architecture(Platform platform) {
    String name = platform.architecture().toLowerCase(Locale.ROOT);
    return ARCHITECTURES.getOrDefault(name, name);
  }

  private static @Nullable String variant(Platform platform) {
    String variant = platform.variant();
    return variant != null ? variant : DEFAULT_VARIANTS.get(architecture(platform));
  }

  /** Images are of Linux, wherever this runs. */
  private static Platform ofThisMachine() {
    String name = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
    return new Platform(ARCHITECTURES.getOrDefault(name, name), "linux", null, List.of(), null);
  }

  /** {@code os/architecture[/variant]}. */
  private static String name(@Nullable Platform platform) {
    if (platform == null) {
      return "one for a platform that is not said";
    }
    String variant = platform.variant();
    return Failures.printable(
        platform.os() + "/" + platform.architecture() + (variant == null ? "" : "/" + variant));
  }
}
