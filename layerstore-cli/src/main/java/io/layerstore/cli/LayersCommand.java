package io.layerstore.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.layerstore.ChainId;
import io.layerstore.LayerInfo;
import io.layerstore.LayerStore;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;

/** {@code layers}: the read-only layers, as a list or as the trees they form. */
final class LayersCommand extends Subcommand {
  private final OptionSpec treeOption =
      flag("--tree", "Show what stands on what, read-write layers included.");

  LayersCommand(Layerstore layerstore) {
    super(layerstore, "List the layers.");
  }

  @Override
  public Integer call() throws IOException {
    boolean tree = isGiven(treeOption);
    if (tree && layerstore().isQuiet()) {
      throw layerstore().wrongUsage("-q and --tree exclude each other");
    }
    try (LayerStore store = layerstore().openToRead()) {
      List<LayerInfo> layers = store.layers();
      if (tree) {
        Tree byParent = new Tree(layers);
        print(out -> byParent.print(out, null, ""), json -> byParent.print(json, null));
      } else {
        print(
            out -> table(layers).writeTo(out),
            out -> Show.lines(out, layers.stream().map(LayerInfo::chainId).toList()),
            json -> list(json, layers));
      }
    }
    return 0;
  }

  private static Table table(List<LayerInfo> layers) {
    Table table = new Table("CHAIN ID", "DIFF ID", "PARENT", "SIZE", "CHAIN SIZE", "USED BY");
    for (LayerInfo layer : layers) {
      String users = Show.users(layer.usage());
      table.row(
          Show.shortId(layer.chainId()),
          Show.shortId(layer.diffId()),
          Show.shortId(layer.parent()),
          Show.size(layer.diffSizeBytes()),
          Show.size(layer.sizeBytes()),
          users.isEmpty() ? "-" : users);
    }
    return table;
  }

  private static void list(JsonGenerator json, List<LayerInfo> layers) throws IOException {
    json.writeArrayFieldStart("layers");
    for (LayerInfo layer : layers) {
      json.writeStartObject();
      Show.layer(json, layer);
      json.writeEndObject();
    }
    json.writeEndArray();
  }

  /**
   * The layers by what they stand on. A chain has at most {@link LayerStore#MAX_DEPTH} layers, so
   * recursion is safe.
   */
  private static final class Tree {
    private final Map<@Nullable ChainId, List<LayerInfo>> children = new HashMap<>();

    Tree(List<LayerInfo> layers) {
      for (LayerInfo layer : layers) {
        children
            .computeIfAbsent(layer.parent().orElse(null), parent -> new ArrayList<>())
            .add(layer);
      }
    }

    void print(Output out, @Nullable ChainId parent, String indent) throws IOException {
      for (LayerInfo layer : children.getOrDefault(parent, List.of())) {
        String size = Show.size(layer.diffSizeBytes());
        out.line(indent + Show.shortId(layer.chainId()) + "  " + size);
        for (String name : layer.usage().rwLayers()) {
          out.line(indent + "  " + name + " (read-write)");
        }
        print(out, layer.chainId(), indent + "  ");
      }
    }

    void print(JsonGenerator json, @Nullable ChainId parent) throws IOException {
      json.writeArrayFieldStart("layers");
      for (LayerInfo layer : children.getOrDefault(parent, List.of())) {
        json.writeStartObject();
        Show.layer(json, layer);
        print(json, layer.chainId());
        json.writeEndObject();
      }
      json.writeEndArray();
    }
  }
}
