package io.layerstore.core.image;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.ImageId;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The layers at one moment, and who needs them apart from images: the handles that images have are
 * taken out of the count.
 */
final class LayerUse {

  private final TreeMap<ChainId, LayerInfo> layers = new TreeMap<>();

  /** Handles of callers, by layer. */
  private final Map<ChainId, Integer> handles = new HashMap<>();

  /** Layers of images that are on disk and could not be restored. */
  private final Set<ChainId> ofUnrestored = new HashSet<>();

  private boolean hasUnknown;

  /** The names of the read-write layers of each image that has any. */
  private Map<ImageId, List<String>> rwLayers = Map.of();

  private LayerUse() {}

  static LayerUse of(
      LayerAccess access,
      List<ImageNode> images,
      Map<ImageId, Optional<List<DiffId>>> unrestored,
      ImageUsers users) {
    LayerUse use = new LayerUse();
    use.rwLayers = users.of(access.layers().rwLayers());
    for (LayerInfo layer : access.layers().layers()) {
      use.layers.put(layer.chainId(), layer);
      use.handles.put(layer.chainId(), layer.usage().handles());
    }
    for (ImageNode image : images) {
      Layer hold = image.hold();
      if (hold != null) {
        use.handles.computeIfPresent(hold.chainId(), (id, count) -> Math.max(0, count - 1));
      }
    }
    unrestored.values().forEach(use::addUnrestored);
    return use;
  }

  private void addUnrestored(Optional<List<DiffId>> diffIds) {
    if (diffIds.isEmpty()) {
      hasUnknown = true;
      return;
    }
    ChainId chainId = null;
    for (DiffId diffId : diffIds.get()) {
      chainId = ChainId.of(chainId, diffId);
      ofUnrestored.add(chainId);
    }
  }

  /** All layers, by chain ID, sorted. */
  Map<ChainId, LayerInfo> layers() {
    return layers;
  }

  /** The layers of an image, bottom first. */
  List<LayerInfo> chain(ImageNode image) {
    return chain(layers, image.topLayer());
  }

  /** The layers up to {@code top}, bottom first, as far as they are known. */
  static List<LayerInfo> chain(Map<ChainId, LayerInfo> layers, @Nullable ChainId top) {
    List<LayerInfo> chain = new ArrayList<>();
    for (LayerInfo layer = top == null ? null : layers.get(top); layer != null; ) {
      chain.add(layer);
      layer = layer.parent().map(layers::get).orElse(null);
    }
    Collections.reverse(chain);
    return chain;
  }

  /** The names of the read-write layers of an image. */
  List<String> rwLayersOn(ImageNode image) {
    return rwLayers.getOrDefault(image.id(), List.of());
  }

  /** Whether there are images on disk whose layers cannot be told. */
  boolean hasUnknown() {
    return hasUnknown;
  }

  /**
   * The layers that would go if {@code images} were all that there are, child before parent, layers
   * that were of no image included.
   */
  List<LayerInfo> unneeded(List<ImageNode> images) {
    return unneeded(images, true);
  }

  /** What {@link #unneeded} leaves out only because something outside this store refers to it. */
  List<LayerInfo> neededByOthers(List<ImageNode> images) {
    List<LayerInfo> layersOfOthers = unneeded(images, false);
    layersOfOthers.removeAll(unneeded(images, true));
    return layersOfOthers;
  }

  private List<LayerInfo> unneeded(List<ImageNode> images, boolean othersCount) {
    Set<ChainId> needed = new HashSet<>();
    for (LayerInfo layer : layers.values()) {
      if (handles.getOrDefault(layer.chainId(), 0) > 0
          || (othersCount && !layer.usage().otherHolders().isEmpty())
          || !layer.usage().rwLayers().isEmpty()
          || ofUnrestored.contains(layer.chainId())) {
        need(needed, chain(layers, layer.chainId()));
      }
    }
    images.forEach(image -> need(needed, chain(image)));
    List<LayerInfo> unneeded = new ArrayList<>();
    for (LayerInfo layer : layers.values()) {
      if (!needed.contains(layer.chainId())) {
        unneeded.add(layer);
      }
    }
    unneeded.sort(
        (a, b) ->
            a.depth() != b.depth()
                ? Integer.compare(b.depth(), a.depth())
                : a.chainId().compareTo(b.chainId()));
    return unneeded;
  }

  private static void need(Set<ChainId> needed, List<LayerInfo> chain) {
    chain.forEach(layer -> needed.add(layer.chainId()));
  }
}
