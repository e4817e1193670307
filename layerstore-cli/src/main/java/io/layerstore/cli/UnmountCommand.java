package io.layerstore.cli;

import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code unmount}: takes away what {@code mount} without a command left. */
@Command(
    name = "unmount",
    description = "Unmount a read-write layer that 'mount' left mounted. Deletes nothing.")
final class UnmountCommand implements Callable<Integer> {
  private final Layerstore layerstore;

  @Parameters(paramLabel = "NAME", description = "The read-write layer.")
  private String name = "";

  UnmountCommand(Layerstore layerstore) {
    this.layerstore = layerstore;
  }

  @Override
  public Integer call() throws IOException {
    try (LayerStore store = layerstore.openToWrite();
        RWLayer layer = store.getRWLayer(name)) {
      // A mount that an earlier process left is taken over by a plain one, and goes with it.
      Mount mount = layer.mount();
      mount.close();
      layerstore.output().print(out -> {}, json -> json.writeStringField("name", name));
    }
    return 0;
  }
}
