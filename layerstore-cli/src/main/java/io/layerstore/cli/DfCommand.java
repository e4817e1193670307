package io.layerstore.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.layerstore.ChainId;
import io.layerstore.LayerInfo;
import io.layerstore.LayerStore;
import io.layerstore.RWLayer;
import io.layerstore.RWLayerInfo;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** {@code df}: what takes the space. */
final class DfCommand extends Subcommand {
  DfCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Show what takes the space: each layer by itself, how many layers and read-write layers stand on it, directly"
            + " or not, and the total. Sizes are as the graph driver counts.");
  }

  @Override
  public Integer call() throws IOException {
    try (LayerStore store = layerstore().openToRead()) {
      List<LayerInfo> layers = store.layers();
      Map<ChainId, Integer> sharers = sharers(layers);
      Map<String, Long> rwSizes = new TreeMap<>();
      for (RWLayerInfo info : store.rwLayers()) {
        try (RWLayer layer = store.getRWLayer(info.name())) {
          rwSizes.put(info.name(), layer.sizeBytes());
        }
      }
      long layersTotal = layers.stream().mapToLong(LayerInfo::diffSizeBytes).sum();
      long rwTotal = rwSizes.values().stream().mapToLong(Long::longValue).sum();
      print(
          out -> {
            Table table = new Table("LAYER", "SIZE", "SHARED BY");
            for (LayerInfo layer : layers) {
              table.row(
                  Show.shortId(layer.chainId()),
                  Show.size(layer.diffSizeBytes()),
                  String.valueOf(sharers.getOrDefault(layer.chainId(), 0)));
            }
            rwSizes.forEach((name, size) -> table.row(name, Show.size(size), "-"));
            table.row("total", Show.size(layersTotal + rwTotal), "");
            table.writeTo(out);
          },
          json -> {
            layers(json, layers, sharers);
            json.writeArrayFieldStart("rwLayers");
            for (Map.Entry<String, Long> layer : rwSizes.entrySet()) {
              json.writeStartObject();
              json.writeStringField("name", layer.getKey());
              json.writeNumberField("sizeBytes", layer.getValue());
              json.writeEndObject();
            }
            json.writeEndArray();
            json.writeNumberField("layersSizeBytes", layersTotal);
            json.writeNumberField("rwLayersSizeBytes", rwTotal);
            json.writeNumberField("totalSizeBytes", layersTotal + rwTotal);
          });
    }
    return 0;
  }

  /** For each layer the number of layers and read-write layers above it. */
  private static Map<ChainId, Integer> sharers(List<LayerInfo> layers) {
    Map<ChainId, LayerInfo> byId =
        layers.stream().collect(Collectors.toMap(LayerInfo::chainId, Function.identity()));
    Map<ChainId, Integer> sharers = new HashMap<>();
    for (LayerInfo layer : layers) {
      int standing = layer.usage().rwLayers().size();
      sharers.merge(layer.chainId(), standing, Integer::sum);
      for (@Nullable LayerInfo below = parent(byId, layer);
          below != null;
          below = parent(byId, below)) {
        sharers.merge(below.chainId(), standing + 1, Integer::sum);
      }
    }
    return sharers;
  }

  private static @Nullable LayerInfo parent(Map<ChainId, LayerInfo> byId, LayerInfo layer) {
    ChainId parent = layer.parentId();
    return parent == null ? null : byId.get(parent);
  }

  private static void layers(
      JsonGenerator json, List<LayerInfo> layers, Map<ChainId, Integer> sharers)
      throws IOException {
    json.writeArrayFieldStart("layers");
    for (LayerInfo layer : layers) {
      json.writeStartObject();
      json.writeStringField("chainId", layer.chainId().toString());
      json.writeNumberField("diffSizeBytes", layer.diffSizeBytes());
      json.writeNumberField("sharedBy", sharers.getOrDefault(layer.chainId(), 0));
      json.writeEndObject();
    }
    json.writeEndArray();
  }
}
