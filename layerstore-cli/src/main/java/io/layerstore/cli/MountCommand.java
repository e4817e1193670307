package io.layerstore.cli;

import io.layerstore.DriverException;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.MountOptions;
import io.layerstore.RWLayer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code mount}: mounts a read-write layer until {@code unmount}, or while a command runs. */
final class MountCommand extends Subcommand {
  private final PositionalParamSpec nameParameter = parameter("NAME", "The read-write layer.");
  private final PositionalParamSpec commandParameter =
      remainingParameters("COMMAND", "What to run, and its arguments.");

  MountCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Mount a read-write layer until 'unmount', or only while COMMAND runs.",
        "Without COMMAND: prints the mount point and leaves the layer mounted. A symbolic link "
            + "in the layer can lead out of it; with 'run --chroot' it cannot.",
        "With COMMAND: runs it in the mount as 'run' does, unmounts, and exits with its status. "
            + "Until then no other process can delete the layer. With --json, what the command prints "
            + "goes to standard error.");
    spec()
        .usageMessage()
        .customSynopsis(
            "layerstore [OPTIONS] mount NAME",
            "       layerstore [OPTIONS] mount NAME -- COMMAND [ARGUMENT...]");
  }

  @Override
  public Integer call() throws IOException {
    String name = nameParameter.getValue();
    List<String> command = commandParameter.getValue();
    try (LayerStore store = layerstore().openToChange();
        RWLayer layer = store.getRWLayer(name)) {
      return command.isEmpty() ? stay(layer) : RunCommand.run(layerstore(), layer, command, false);
    }
  }

  private int stay(RWLayer layer) throws IOException {
    // Not closed: that would undo it.
    // For whoever reads it, who may work in another directory.
    Path path = mountForGood(layer).path().toAbsolutePath();
    print(
        out -> out.line(path.toString()),
        json -> {
          json.writeStringField("name", layer.name());
          json.writeStringField("path", path.toString());
        });
    return 0;
  }

  private Mount mountForGood(RWLayer layer) throws LayerStoreException {
    try {
      return layer.mount(MountOptions.persistent());
    } catch (DriverException e) {
      throw new LayerStoreException(
          e.getMessage() + "; use 'layerstore run " + layer.name() + " -- COMMAND' instead", e);
    }
  }
}
