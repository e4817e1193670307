package io.layerstore.cli;

import io.layerstore.ChainId;
import io.layerstore.Image;
import io.layerstore.LayerInfo;
import io.layerstore.LayerStore;
import java.util.Map;
import java.util.stream.Collectors;

/** The sizes of images at one moment, in bytes, as the graph driver counts. */
final class ImageSizes {
  private final Map<ChainId, Long> chainSizes;

  ImageSizes(LayerStore store) {
    chainSizes =
        store.layers().stream().collect(Collectors.toMap(LayerInfo::chainId, LayerInfo::sizeBytes));
  }

  /** The size of all layers of the image together. */
  long of(Image image) {
    return image.topLayer().map(top -> chainSizes.getOrDefault(top, 0L)).orElse(0L);
  }
}
