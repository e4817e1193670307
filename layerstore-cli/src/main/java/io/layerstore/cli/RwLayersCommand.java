package io.layerstore.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.layerstore.LayerStore;
import io.layerstore.RWLayerInfo;
import java.io.IOException;
import java.util.List;

/** {@code rwlayers}: the read-write layers. */
final class RwLayersCommand extends Subcommand {
  RwLayersCommand(Layerstore layerstore) {
    super(layerstore, "List the read-write layers.");
  }

  @Override
  public Integer call() throws IOException {
    try (LayerStore store = layerstore().openToRead()) {
      List<RWLayerInfo> layers = store.rwLayers();
      print(
          out -> table(layers).writeTo(out),
          out -> Show.lines(out, layers.stream().map(RWLayerInfo::name).toList()),
          json -> list(json, layers));
    }
    return 0;
  }

  private static Table table(List<RWLayerInfo> layers) {
    Table table = new Table("NAME", "PARENT", "MOUNT ID");
    for (RWLayerInfo layer : layers) {
      table.row(layer.name(), Show.shortId(layer.parent()), layer.mountId());
    }
    return table;
  }

  private static void list(JsonGenerator json, List<RWLayerInfo> layers) throws IOException {
    json.writeArrayFieldStart("rwLayers");
    for (RWLayerInfo layer : layers) {
      json.writeStartObject();
      json.writeStringField("name", layer.name());
      Show.optional(json, "parent", layer.parent());
      json.writeStringField("mountId", layer.mountId());
      json.writeStringField("initId", layer.initId().orElse(null));
      json.writeEndObject();
    }
    json.writeEndArray();
  }
}
