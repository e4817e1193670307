package io.layerstore.cli;

import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import java.io.IOException;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code unmount}: takes away what {@code mount} without a command left. */
final class UnmountCommand extends Subcommand {
  private final PositionalParamSpec nameParameter = parameter("NAME", "The read-write layer.");

  UnmountCommand(Layerstore layerstore) {
    super(layerstore, "Unmount a read-write layer that 'mount' left mounted. Deletes nothing.");
  }

  @Override
  public Integer call() throws IOException {
    String name = nameParameter.getValue();
    try (LayerStore store = layerstore().openToChange();
        RWLayer layer = store.getRWLayer(name)) {
      // A mount that an earlier process left is taken over by a plain one, and goes with it.
      Mount mount = layer.mount();
      mount.close();
      print(out -> {}, json -> json.writeStringField("name", name));
    }
    return 0;
  }
}
