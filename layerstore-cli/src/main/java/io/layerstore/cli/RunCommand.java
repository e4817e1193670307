package io.layerstore.cli;

import io.layerstore.LayerStore;
import io.layerstore.RWLayer;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code run}: runs a command in a read-write layer. */
final class RunCommand extends Subcommand {
  private final OptionSpec chrootOption =
      flag("--chroot", "Run a program of the layer, with the layer as its root directory.");
  private final PositionalParamSpec nameParameter = parameter("NAME", "The read-write layer.");
  private final PositionalParamSpec commandParameter =
      remainingParameters("COMMAND", "What to run, and its arguments.");

  RunCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Run a command in a read-write layer.",
        "Mount the layer, run a program of this machine with its files as the working directory, unmount, and exit"
            + " with its status. The store cannot be written by others meanwhile. An ordinary user's command runs"
            + " as user 0 of a user namespace where the files are in one. With --json what the command prints"
            + " goes to the error output.");
    spec()
        .usageMessage()
        .customSynopsis("layerstore [OPTIONS] run [--chroot] NAME -- COMMAND [ARGUMENT...]");
  }

  @Override
  public Integer call() throws IOException {
    List<String> command = commandParameter.getValue();
    if (command.isEmpty()) {
      throw layerstore().wrongUsage("name a command to run: run NAME -- COMMAND");
    }
    try (LayerStore store = layerstore().openToChange();
        RWLayer layer = store.getRWLayer(nameParameter.getValue())) {
      return new MountedRun(layerstore()).run(layer, command, isGiven(chrootOption));
    }
  }
}
