package io.layerstore.core.image;

import io.layerstore.ChainId;
import io.layerstore.ConcurrentChangeException;
import io.layerstore.DiskUsage;
import io.layerstore.DiskUsage.ImageUsage;
import io.layerstore.DiskUsage.LayerSize;
import io.layerstore.DiskUsage.RWLayerSize;
import io.layerstore.LayerInfo;
import io.layerstore.LayerStoreException;
import io.layerstore.RWLayer;
import io.layerstore.RWLayerInfo;
import io.layerstore.RWLayerNotFoundException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** Counts how much room images and layers take. */
final class DiskUsageReport {

  /** How often a read-write layer is measured that changes meanwhile. */
  private static final int MAX_LOOKS = 10;

  private final LayerAccess access;
  private final List<ImageNode> images;
  private final LayerUse use;
  private final Repositories names;

  /** How many images have a layer. */
  private final Map<ChainId, Integer> imagesOf = new HashMap<>();

  DiskUsageReport(LayerAccess access, List<ImageNode> images, LayerUse use, Repositories names) {
    this.access = access;
    this.images = images;
    this.use = use;
    this.names = names;
    for (ImageNode image : images) {
      use.chain(image).forEach(layer -> imagesOf.merge(layer.chainId(), 1, Integer::sum));
    }
  }

  DiskUsage make() throws LayerStoreException {
    List<LayerSize> layers = new ArrayList<>();
    for (LayerInfo layer : use.layers().values()) {
      layers.add(
          new LayerSize(
              layer.chainId(),
              layer.diffSizeBytes(),
              imageCount(layer),
              layer.usage().otherHolders()));
    }
    List<ImageNode> inUse =
        images.stream().filter(image -> !use.rwLayersOn(image).isEmpty()).toList();
    return new DiskUsage(
        images.stream().map(this::usage).toList(),
        layers,
        rwLayers(),
        sum(use.layers().values(), layer -> true),
        sum(use.unneeded(inUse), layer -> true));
  }

  private ImageUsage usage(ImageNode image) {
    List<LayerInfo> chain = use.chain(image);
    return new ImageUsage(
        image.id(),
        names.of(image.id()),
        sum(chain, layer -> true),
        sum(chain, layer -> imageCount(layer) > 1),
        sum(chain, layer -> imageCount(layer) == 1),
        use.rwLayersOn(image).size());
  }

  private int imageCount(LayerInfo layer) {
    return imagesOf.getOrDefault(layer.chainId(), 0);
  }

  /** Sizes are what the layers' metadata says, so the sum is kept from overflowing. */
  static long sum(Collection<LayerInfo> layers, Predicate<LayerInfo> filter) {
    long sum = 0;
    for (LayerInfo layer : layers) {
      if (filter.test(layer)) {
        long next = sum + layer.diffSizeBytes();
        sum = next < 0 ? Long.MAX_VALUE : next;
      }
    }
    return sum;
  }

  private List<RWLayerSize> rwLayers() throws LayerStoreException {
    List<RWLayerSize> sizes = new ArrayList<>();
    for (RWLayerInfo info : access.layers().rwLayers()) {
      try (RWLayer layer = access.layers().getRWLayer(info.name())) {
        sizes.add(new RWLayerSize(info.name(), sizeBytes(layer)));
      } catch (RWLayerNotFoundException e) {
        // Released since it was listed: it takes no room any more.
      }
    }
    return sizes;
  }

  /** A container that runs, or is being removed, is no reason to tell nothing at all. */
  private static long sizeBytes(RWLayer layer) throws LayerStoreException {
    for (int look = 1; ; look++) {
      try {
        return layer.sizeBytes();
      } catch (ConcurrentChangeException e) {
        if (look == MAX_LOOKS) {
          throw e;
        }
      }
    }
  }
}
