package io.layerstore.cli;

import io.layerstore.AmbiguousIdException;
import io.layerstore.ChainId;
import io.layerstore.Image;
import io.layerstore.ImageNotFoundException;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What an argument means that may name several kinds of things. */
final class Target {
  private Target() {}

  /**
   * Whether there is a read-write layer of exactly this name. A name wins over the beginning of an
   * ID.
   */
  static boolean isReadWrite(LayerStore store, String argument) {
    return store.rwLayers().stream().anyMatch(layer -> layer.name().equals(argument));
  }

  /** The layer whose ID begins so, where the argument could also have been a name. */
  static ChainId layer(LayerStore store, String argument) throws LayerStoreException {
    return findLayer(store, argument)
        .orElseThrow(
            () ->
                new LayerStoreException(
                    "no layer and no read-write layer: "
                        + argument
                        + "; 'layers' and 'rwlayers' list what there is"));
  }

  /** The image a reference or the beginning of an ID means. */
  static Image image(LayerStore store, String argument) throws LayerStoreException {
    return findImage(store, argument)
        .orElseThrow(
            () ->
                new LayerStoreException(
                    "no image: " + argument + "; 'images' lists what there is"));
  }

  /**
   * The layer to stand on: one whose ID begins so, or the top layer of an image.
   *
   * @return null for an image without layers
   */
  static @Nullable ChainId parent(LayerStore store, String argument) throws LayerStoreException {
    Optional<Image> image = findImage(store, argument);
    Optional<ChainId> layer = findLayer(store, argument);
    if (image.isPresent() && layer.isPresent() && !layer.equals(image.get().topLayer())) {
      throw new AmbiguousIdException(
          argument, List.of("image " + image.get().id(), "layer " + layer.get()));
    }
    if (image.isEmpty() && layer.isEmpty()) {
      throw new LayerStoreException(
          "no layer and no image: " + argument + "; 'layers' and 'images' list what there is");
    }
    return layer.or(() -> image.flatMap(Image::topLayer)).orElse(null);
  }

  static Optional<ChainId> findLayer(LayerStore store, String argument) throws LayerStoreException {
    try {
      return Optional.of(store.resolve(argument));
    } catch (IllegalArgumentException | LayerNotFoundException e) {
      return Optional.empty(); // Not the beginning of any ID.
    }
  }

  static Optional<Image> findImage(LayerStore store, String argument) throws LayerStoreException {
    try {
      return Optional.of(store.images().resolve(argument));
    } catch (IllegalArgumentException | ImageNotFoundException e) {
      return Optional.empty(); // Neither a reference nor the beginning of an ID.
    }
  }
}
