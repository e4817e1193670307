package io.layerstore.cli;

import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code run}: runs a command in a read-write layer. */
final class RunCommand extends Subcommand {
  private final OptionSpec chrootOption =
      flag("--chroot", "Run a program of the layer instead, with the layer as its root directory.");
  private final PositionalParamSpec nameParameter = parameter("NAME", "The read-write layer.");
  private final PositionalParamSpec commandParameter =
      remainingParameters("COMMAND", "What to run, and its arguments.");

  RunCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Run a command in a read-write layer.",
        "Mounts the layer, runs a program of this machine with the mount as its working "
            + "directory, unmounts, and exits with the program's status. Until then no other process "
            + "can delete the layer. Where an ordinary user's mount is in a user namespace, the command "
            + "runs there, as user 0. With --json, what the command prints goes to standard error.");
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
      return run(layerstore(), layer, command, isGiven(chrootOption));
    }
  }

  /**
   * Mounts the layer, runs the command in it, and unmounts.
   *
   * @param isRoot whether the layer is the command's root directory, rather than its working
   *     directory
   * @return the exit status of the command
   */
  static int run(Layerstore layerstore, RWLayer layer, List<String> command, boolean isRoot)
      throws IOException {
    Path path;
    int status;
    try (Mount mount = layer.mount()) {
      path = mount.path().toAbsolutePath();
      ProcessBuilder builder = new ProcessBuilder(command);
      builder = isRoot ? mount.chroot(builder) : mount.enter(builder);
      status = new Foreground(layerstore.console(), layerstore.isJson()).run(builder);
    }
    layerstore
        .output()
        .print(
            out -> {},
            json -> {
              json.writeStringField("name", layer.name());
              json.writeStringField("path", path.toString());
              json.writeNumberField("exitStatus", status);
            });
    return status;
  }
}
