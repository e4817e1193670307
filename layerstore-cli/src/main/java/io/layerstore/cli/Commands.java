package io.layerstore.cli;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Collectors;
import picocli.CommandLine;

/** The subcommands by name, in the order of the help text. */
final class Commands {
  private static final Map<String, Function<Layerstore, Callable<Integer>>> ALL =
      new LinkedHashMap<>();

  static {
    ALL.put("info", InfoCommand::new);
    ALL.put("register", RegisterCommand::new);
    ALL.put("layers", LayersCommand::new);
    ALL.put("inspect", InspectCommand::new);
    ALL.put("export", ExportCommand::new);
    ALL.put("release", ReleaseCommand::new);
    ALL.put("create", CreateCommand::new);
    ALL.put("mount", MountCommand::new);
    ALL.put("unmount", UnmountCommand::new);
    ALL.put("diff", DiffCommand::new);
    ALL.put("commit", CommitCommand::new);
    ALL.put("rm", RmCommand::new);
    ALL.put("rwlayers", RwLayersCommand::new);
    ALL.put("df", DfCommand::new);
    ALL.put("demo", DemoCommand::new);
  }

  private Commands() {}

  /**
   * The command line for {@code args}. Reading the annotations of a command costs about as much as
   * running it, so only the commands whose name is among the arguments are there; all of them if
   * none is, for help and for suggestions.
   */
  static CommandLine commandLine(Layerstore layerstore, String[] args) {
    CommandLine commandLine = new CommandLine(layerstore);
    Set<String> named =
        Arrays.stream(args).filter(ALL::containsKey).collect(Collectors.toUnmodifiableSet());
    ALL.forEach(
        (name, command) -> {
          if (named.isEmpty() || named.contains(name)) {
            commandLine.addSubcommand(name, command.apply(layerstore));
          }
        });
    return commandLine;
  }
}
