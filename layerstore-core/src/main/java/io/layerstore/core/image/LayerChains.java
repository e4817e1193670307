package io.layerstore.core.image;

import io.layerstore.ChainId;
import io.layerstore.LayerInfo;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Walks from a layer down to the one that stands on nothing. */
final class LayerChains {

  private LayerChains() {}

  /** The layers up to {@code top}, bottom first, as far as they are known. */
  static List<LayerInfo> of(Map<ChainId, LayerInfo> layers, @Nullable ChainId top) {
    Deque<LayerInfo> chain = new ArrayDeque<>();
    LayerInfo layer = top == null ? null : layers.get(top);
    while (layer != null) {
      chain.addFirst(layer);
      ChainId parent = layer.parent().orElse(null);
      layer = parent == null ? null : layers.get(parent);
    }
    return new ArrayList<>(chain);
  }
}
