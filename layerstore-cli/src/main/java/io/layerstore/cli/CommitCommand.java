package io.layerstore.cli;

import io.layerstore.CommitOptions;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.RWLayer;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code commit}: makes a layer of the changes of a read-write layer. */
@Command(
    name = "commit",
    description = {
      "Make a layer of the changes of a read-write layer, which goes on as it is.",
      "Prints the layer's diff ID, its chain ID and its size in bytes."
    })
final class CommitCommand implements Callable<Integer> {
  private final Layerstore layerstore;

  @Parameters(paramLabel = "NAME", description = "The read-write layer.")
  private String name = "";

  CommitCommand(Layerstore layerstore) {
    this.layerstore = layerstore;
  }

  @Override
  public Integer call() throws IOException {
    CommitOptions options = new CommitOptions(false, layerstore.progressBar().listener());
    try (LayerStore store = layerstore.openToWrite();
        RWLayer layer = store.getRWLayer(name);
        Layer committed = layer.commit(options)) {
      layerstore
          .output()
          .print(out -> out.line(Show.registered(committed)), json -> Show.layer(json, committed));
    }
    return 0;
  }
}
