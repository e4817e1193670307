package io.layerstore.cli;

import io.layerstore.DriverNotSupportedException;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.MountOptions;
import io.layerstore.RWLayer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code mount}: shows the files of a read-write layer, for good or to one command. */
@Command(
    name = "mount",
    customSynopsis = {
      "layerstore [OPTIONS] mount NAME",
      "       layerstore [OPTIONS] mount NAME -- COMMAND [ARGUMENT...]"
    },
    description = {
      "Show the files of a read-write layer, for good or to one command.",
      "Without a command: print where the files of the read-write layer are, and leave them mounted.",
      "With a command: run it with the files as its working directory, unmount, and exit with its status."
          + " With --json what the command prints goes to the error output."
    })
final class MountCommand implements Callable<Integer> {
  private final Layerstore layerstore;

  @Parameters(index = "0", paramLabel = "NAME", description = "The read-write layer.")
  private String name = "";

  @Parameters(
      index = "1..*",
      arity = "0..*",
      paramLabel = "COMMAND",
      description = "What to run, and its arguments.")
  private List<String> command = List.of();

  MountCommand(Layerstore layerstore) {
    this.layerstore = layerstore;
  }

  @Override
  public Integer call() throws IOException {
    try (LayerStore store = layerstore.openToWrite();
        RWLayer layer = store.getRWLayer(name)) {
      return command.isEmpty() ? stay(layer) : run(layer);
    }
  }

  private int stay(RWLayer layer) throws IOException {
    // Not closed: that would undo it.
    Path path = mountForGood(layer).path();
    layerstore
        .output()
        .print(
            out -> out.line(path.toString()),
            json -> {
              json.writeStringField("name", name);
              json.writeStringField("path", path.toString());
            });
    return 0;
  }

  private Mount mountForGood(RWLayer layer) throws LayerStoreException {
    try {
      return layer.mount(MountOptions.persistent());
    } catch (DriverNotSupportedException e) {
      throw new LayerStoreException(
          e.getMessage() + "; use 'layerstore mount " + name + " -- COMMAND' instead", e);
    }
  }

  private int run(RWLayer layer) throws IOException {
    Path path;
    int status;
    try (Mount mount = layer.mount()) {
      path = mount.path();
      status = new Foreground(layerstore.console(), layerstore.isJson()).run(command, path);
    }
    layerstore
        .output()
        .print(
            out -> {},
            json -> {
              json.writeStringField("name", name);
              json.writeStringField("path", path.toString());
              json.writeNumberField("exitStatus", status);
            });
    return status;
  }
}
