package io.layerstore.core.image.archive;

import io.layerstore.ImageConfig;
import io.layerstore.Platform;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Finds the image for a platform among several.
 *
 * <p>Operating system and architecture must be the same. Of several such, the one of the same
 * variant is taken, else one without a variant; {@code v8} is what {@code arm64} means, {@code v7}
 * what {@code arm} means, and {@code v1} what {@code amd64} means. Where a variant is asked for, no
 * other is taken.
 */
final class PlatformChoice {

  /** What the JDK, kernels and distributions call the architectures. */
  private static final Map<String, String> ARCHITECTURES =
      Map.of(
          "x86_64", "amd64", "x86-64", "amd64", "aarch64", "arm64", "x86", "386", "i386", "386",
          "i686", "386", "armhf", "arm", "armel", "arm");

  /** The architectures among them that say a variant as well. */
  private static final Map<String, String> NAMED_VARIANTS = Map.of("armhf", "v7", "armel", "v6");

  private static final String LINUX = "linux";

  private static final Map<String, String> DEFAULT_VARIANTS =
      Map.of("arm64", "v8", "arm", "v7", "amd64", "v1");

  private PlatformChoice() {}

  /** What is wanted where {@code asked} is asked for; null for the platform of this machine. */
  static Platform wanted(@Nullable Platform asked) {
    return asked == null ? ofThisMachine() : asked;
  }

  /** The best of {@code offers} for a platform: those of one platform, in their order, or none. */
  static List<BlobDescriptor> best(List<BlobDescriptor> offers, Platform wanted) {
    Platform best =
        bestOf(
            offers.stream().map(BlobDescriptor::platform).filter(Objects::nonNull).toList(),
            wanted);
    String key = key(best);
    return best == null
        ? List.of()
        : offers.stream().filter(offer -> key(offer.platform()).equals(key)).toList();
  }

  /** The best of {@code offers} for a platform, or null. */
  static @Nullable Platform bestOf(List<Platform> offers, Platform wanted) {
    Platform best = null;
    int bestRank = 0;
    for (Platform offer : offers) {
      int rank = rank(offer, wanted);
      if (rank > bestRank) {
        best = offer;
        bestRank = rank;
      }
    }
    return best;
  }

  /** Whether {@code offers} are for more than one platform. */
  static boolean areSeveral(List<BlobDescriptor> offers) {
    return offers.stream().map(offer -> key(offer.platform())).distinct().count() > 1;
  }

  /** Whether a configuration does not deny to be for a platform. */
  static boolean fits(ImageConfig config, Platform wanted) {
    if (config.architecture().isEmpty()) {
      return true;
    }
    String os = config.os().isEmpty() ? LINUX : config.os();
    // Few configurations have a variant, and those without are for any.
    Optional<String> variant = config.variant().or(wanted::variant);
    return rank(of(config.architecture(), os, variant), wanted) > 0;
  }

  /** That {@code what} has no image for a platform, and which it has. */
  static String missing(String what, List<BlobDescriptor> offers, Platform wanted) {
    return "no image for "
        + name(wanted)
        + " in "
        + what
        + ", but for "
        + names(offers)
        + ": choose one of them";
  }

  /** The platforms of several descriptors, for people. */
  static String names(List<BlobDescriptor> entries) {
    return entries.stream()
        .map(entry -> name(entry.platform()))
        .distinct()
        .sorted()
        .collect(Collectors.joining(", "));
  }

  /** What two spellings of one platform have in common. */
  private static String key(@Nullable Platform platform) {
    return platform == null
        ? ""
        : platform.os().toLowerCase(Locale.ROOT)
            + "/"
            + architecture(platform)
            + "/"
            + variant(platform);
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
    if (ownVariant(wanted) != null) {
      return 0;
    }
    return ownVariant(offered) == null ? 2 : 1;
  }

  private static String architecture(Platform platform) {
    String name = platform.architecture().toLowerCase(Locale.ROOT);
    return ARCHITECTURES.getOrDefault(name, name);
  }

  private static @Nullable String variant(Platform platform) {
    String variant = ownVariant(platform);
    return variant != null ? variant : DEFAULT_VARIANTS.get(architecture(platform));
  }

  /** The variant that a platform says, {@code v7} where it is {@code 7} or {@code V7}; or null. */
  private static @Nullable String ownVariant(Platform platform) {
    return platform
        .variant()
        .map(variant -> variant.toLowerCase(Locale.ROOT))
        .map(variant -> variant.matches("[0-9]+") ? "v" + variant : variant)
        .orElse(NAMED_VARIANTS.get(platform.architecture().toLowerCase(Locale.ROOT)));
  }

  /** The platform that a configuration says. */
  static Platform of(ImageConfig config) {
    return of(config.architecture(), config.os(), config.variant());
  }

  private static Platform of(String architecture, String os, Optional<String> variant) {
    return new Platform(architecture, os, Optional.empty(), List.of(), variant);
  }

  /** Images are of Linux, wherever this runs. */
  private static Platform ofThisMachine() {
    String name = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
    return Platform.of(ARCHITECTURES.getOrDefault(name, name), LINUX);
  }

  /** {@code os/architecture[/variant]}. */
  static String name(@Nullable Platform platform) {
    if (platform == null) {
      return "one for a platform that it does not name";
    }
    String variant = platform.variant().map(text -> "/" + text).orElse("");
    return ArchiveText.printable(platform.os() + "/" + platform.architecture() + variant);
  }
}
