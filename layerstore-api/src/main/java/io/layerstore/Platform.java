package io.layerstore;

import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * The machine an image or layer is made for, as in the OCI image index.
 *
 * @param architecture the processor, such as {@code amd64}
 * @param os the operating system, such as {@code linux}
 * @param osVersion the version of the operating system
 * @param osFeatures features of the operating system that are needed
 * @param variant the variant of the processor, such as {@code v8}
 */
public record Platform(
    String architecture,
    String os,
    Optional<String> osVersion,
    List<String> osFeatures,
    Optional<String> variant) {

  /** Rejects nulls, and copies the list. */
  public Platform {
    Objects.requireNonNull(architecture, "architecture");
    Objects.requireNonNull(os, "os");
    Objects.requireNonNull(osVersion, "osVersion");
    osFeatures = List.copyOf(osFeatures);
    Objects.requireNonNull(variant, "variant");
  }

  /** A platform of which no more is said. */
  public static Platform of(String architecture, String os) {
    return new Platform(architecture, os, Optional.empty(), List.of(), Optional.empty());
  }

  /** A platform with a variant of the processor. */
  public static Platform of(String architecture, String os, String variant) {
    return new Platform(architecture, os, Optional.empty(), List.of(), Optional.of(variant));
  }
}
