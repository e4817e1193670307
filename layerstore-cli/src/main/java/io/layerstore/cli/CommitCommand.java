package io.layerstore.cli;

import io.layerstore.CommitOptions;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.RWLayer;
import java.io.IOException;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code commit}: makes a layer of the changes of a read-write layer. */
final class CommitCommand extends Subcommand {
  private final PositionalParamSpec nameParameter = parameter("NAME", "The read-write layer.");

  CommitCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Make a layer of the changes of a read-write layer, which goes on as it is.",
        "Prints the layer's diff ID, its chain ID and its size in bytes.");
  }

  @Override
  public Integer call() throws IOException {
    String name = nameParameter.getValue();
    CommitOptions options = new CommitOptions(false, layerstore().progressBar().listener());
    try (LayerStore store = layerstore().openToWrite();
        RWLayer layer = store.getRWLayer(name);
        Layer committed = layer.commit(options)) {
      print(out -> out.line(Show.registered(committed)), json -> Show.layer(json, committed));
    }
    return 0;
  }
}
