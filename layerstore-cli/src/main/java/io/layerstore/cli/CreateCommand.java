package io.layerstore.cli;

import io.layerstore.LayerStore;
import io.layerstore.RWLayer;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code create}: makes a read-write layer. */
final class CreateCommand extends Subcommand {
  private final OptionSpec parentOption =
      option(
          "--parent",
          "CHAIN|IMAGE",
          "The layer to start from, or an image, for its top layer. Default: start empty.");
  private final PositionalParamSpec nameParameter =
      parameter("NAME", "Its name: letters, digits, '_', '.' and '-'.");

  CreateCommand(Layerstore layerstore) {
    super(layerstore, "Make a read-write layer. Prints its name.");
  }

  @Override
  public Integer call() throws IOException {
    @Nullable String parent = parentOption.getValue();
    String name = nameParameter.getValue();
    try (LayerStore store = layerstore().openToAdd();
        RWLayer layer =
            store.createRWLayer(name, parent == null ? null : Target.parent(store, parent))) {
      print(
          out -> out.line(layer.name()),
          json -> {
            json.writeStringField("name", layer.name());
            Show.optional(json, "parent", layer.parent());
            json.writeStringField("mountId", layer.mountId());
          });
    }
    return 0;
  }
}
