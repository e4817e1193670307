package io.layerstore;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The machine an image or layer is made for, as in the OCI image index.
 *
 * @param architecture the processor, such as {@code amd64}
 * @param os the operating system, such as {@code linux}
 * @param osVersion the version of the operating system, or null
 * @param osFeatures features of the operating system that are needed
 * @param variant the variant of the processor, or null
 */
public record Platform(
    String architecture,
    String os,
    @Nullable String osVersion,
    List<String> osFeatures,
    @Nullable String variant) {

  /** Copies the list. */
  public Platform {
    osFeatures = List.copyOf(osFeatures);
  }
}
