package io.layerstore;

import java.util.Objects;
import java.util.Optional;

/**
 * An image as it is in the store at one moment. Not a handle: the image may be deleted at any time.
 *
 * @param id its identity
 * @param configBytes its configuration, verbatim
 * @param config a typed view of the configuration
 * @param parent the image it was committed or built from, where that is known
 */
public record Image(
    ImageId id, ByteString configBytes, ImageConfig config, Optional<ImageId> parent) {

  /** Rejects nulls. */
  public Image {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(configBytes, "configBytes");
    Objects.requireNonNull(config, "config");
    Objects.requireNonNull(parent, "parent");
  }

  /** The chain ID of its top layer; empty for an image without layers. */
  public Optional<ChainId> topLayer() {
    return ChainId.of(config.diffIds());
  }
}
