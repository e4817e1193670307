package io.layerstore.cli;

import java.util.List;

/** The subcommands by name. */
final class Commands {
  /** In the order of the help text. */
  static final List<String> NAMES =
      CommandHelp.GROUPS.stream().flatMap(group -> group.commands().stream()).toList();

  private Commands() {}

  /** A new command called {@code name}, which is one of {@link #NAMES}. */
  static Subcommand create(String name, Layerstore layerstore) {
    return switch (name) {
      case "info" -> new InfoCommand(layerstore);
      case "register" -> new RegisterCommand(layerstore);
      case "layers" -> new LayersCommand(layerstore);
      case "inspect" -> new InspectCommand(layerstore);
      case "export" -> new ExportCommand(layerstore);
      case "release" -> new ReleaseCommand(layerstore);
      case "create" -> new CreateCommand(layerstore);
      case "mount" -> new MountCommand(layerstore);
      case "run" -> new RunCommand(layerstore);
      case "unmount" -> new UnmountCommand(layerstore);
      case "diff" -> new DiffCommand(layerstore);
      case "commit" -> new CommitCommand(layerstore);
      case "rm" -> new RmCommand(layerstore);
      case "rwlayers" -> new RwLayersCommand(layerstore);
      case "load" -> new LoadCommand(layerstore);
      case "save" -> new SaveCommand(layerstore);
      case "images" -> new ImagesCommand(layerstore);
      case "tag" -> new TagCommand(layerstore);
      case "rmi" -> new RmiCommand(layerstore);
      case "import" -> new ImportCommand(layerstore);
      case "history" -> new HistoryCommand(layerstore);
      case "explain" -> new ExplainCommand(layerstore);
      case "prune" -> new PruneCommand(layerstore);
      case "df" -> new DfCommand(layerstore);
      case "pull" -> new PullCommand(layerstore);
      case "push" -> new PushCommand(layerstore);
      case "tags" -> new TagsCommand(layerstore);
      case "copy" -> new CopyCommand(layerstore);
      case "login" -> new LoginCommand(layerstore);
      case "logout" -> new LogoutCommand(layerstore);
      case "append" -> new AppendCommand(layerstore);
      case "ls" -> new LsCommand(layerstore);
      case "cat" -> new CatCommand(layerstore);
      case "cp" -> new CpCommand(layerstore);
      case "tree" -> new TreeCommand(layerstore);
      case "demo" -> new DemoCommand(layerstore);
      case "help" -> new HelpCommand(layerstore);
      default -> throw new IllegalArgumentException("no such command: " + name);
    };
  }
}
