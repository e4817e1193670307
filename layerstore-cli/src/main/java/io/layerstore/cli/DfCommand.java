package io.layerstore.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.layerstore.DiskUsage;
import io.layerstore.DiskUsage.ImageUsage;
import io.layerstore.DiskUsage.LayerSize;
import io.layerstore.DiskUsage.RWLayerSize;
import io.layerstore.LayerStore;
import java.io.IOException;

/** {@code df}: what takes the space. */
final class DfCommand extends Subcommand {
  DfCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Show disk usage: for each image what it shares with others and what is its own, for "
            + "each layer its size and how many images use it, each read-write layer, and the total. "
            + "Sizes are those the graph driver reports.");
  }

  @Override
  public Integer call() throws IOException {
    try (LayerStore store = layerstore().openToRead()) {
      DiskUsage usage = store.images().diskUsage();
      print(
          out -> {
            if (!usage.images().isEmpty()) {
              images(usage).writeTo(out);
              out.line("");
            }
            layers(usage).writeTo(out);
          },
          json -> write(json, usage));
    }
    return 0;
  }

  private static Table images(DiskUsage usage) {
    Table table = new Table("IMAGE", "SIZE", "SHARED", "UNIQUE", "READ-WRITE LAYERS", "REFERENCES");
    for (ImageUsage image : usage.images()) {
      table.row(
          ShowImage.shortId(image.id()),
          Show.size(image.sizeBytes()),
          Show.size(image.sharedBytes()),
          Show.size(image.uniqueBytes()),
          String.valueOf(image.rwLayers()),
          ShowImage.words(image.references()));
    }
    return table;
  }

  private static Table layers(DiskUsage usage) {
    Table table = new Table("LAYER", "SIZE", "IMAGES", "HELD BY");
    for (LayerSize layer : usage.layers()) {
      table.row(
          Show.shortId(layer.chainId()),
          Show.size(layer.sizeBytes()),
          String.valueOf(layer.images()),
          layer.otherHolders().isEmpty() ? "-" : String.join(", ", layer.otherHolders()));
    }
    for (RWLayerSize layer : usage.rwLayers()) {
      table.row(layer.name(), Show.size(layer.sizeBytes()), "-", "-");
    }
    table.row("total", Show.size(total(usage)), "", "");
    table.row("reclaimable", Show.size(usage.reclaimableBytes()), "", "");
    return table;
  }

  private static long total(DiskUsage usage) {
    return usage.totalBytes() + usage.rwLayers().stream().mapToLong(RWLayerSize::sizeBytes).sum();
  }

  private static void write(JsonGenerator json, DiskUsage usage) throws IOException {
    json.writeArrayFieldStart("images");
    for (ImageUsage image : usage.images()) {
      json.writeStartObject();
      json.writeStringField("id", image.id().toString());
      Show.strings(json, "references", image.references());
      json.writeNumberField("sizeBytes", image.sizeBytes());
      json.writeNumberField("sharedBytes", image.sharedBytes());
      json.writeNumberField("uniqueBytes", image.uniqueBytes());
      json.writeNumberField("rwLayers", image.rwLayers());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeArrayFieldStart("layers");
    for (LayerSize layer : usage.layers()) {
      json.writeStartObject();
      json.writeStringField("chainId", layer.chainId().toString());
      json.writeNumberField("diffSizeBytes", layer.sizeBytes());
      json.writeNumberField("images", layer.images());
      Show.strings(json, "otherHolders", layer.otherHolders());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeArrayFieldStart("rwLayers");
    for (RWLayerSize layer : usage.rwLayers()) {
      json.writeStartObject();
      json.writeStringField("name", layer.name());
      json.writeNumberField("sizeBytes", layer.sizeBytes());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeNumberField("totalSizeBytes", total(usage));
    json.writeNumberField("reclaimableBytes", usage.reclaimableBytes());
  }
}
