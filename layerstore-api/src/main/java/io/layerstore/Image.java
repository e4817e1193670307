package io.layerstore;

import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An image as it is in the store at one moment. Not a handle: the image may be deleted at any time.
 *
 * @param id its identity
 * @param configBytes its configuration, verbatim
 * @param config a typed view of the configuration
 * @param parentId the image it was committed or built from, or null
 */
public record Image(
    ImageId id, ByteString configBytes, ImageConfig config, @Nullable ImageId parentId) {

  /** Rejects nulls. */
  public Image {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(configBytes, "configBytes");
    Objects.requireNonNull(config, "config");
  }

  /** The image it was committed or built from, where that is known. */
  public Optional<ImageId> parent() {
    return Optional.ofNullable(parentId);
  }

  /** The chain ID of its top layer; empty for an image without layers. */
  public Optional<ChainId> topLayer() {
    return ChainId.of(config.diffIds());
  }
}
