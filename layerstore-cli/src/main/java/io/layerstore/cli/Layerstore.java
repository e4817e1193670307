package io.layerstore.cli;

import io.layerstore.Compression;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Platform;
import io.layerstore.StoreLockedException;
import io.layerstore.StoreNotFoundException;
import io.layerstore.StoreOptions;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.UsageMessageSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.ScopeType;

/**
 * The command without a subcommand: the options all subcommands have in common, and what these
 * give.
 */
final class Layerstore implements Runnable {
  private final Console console;
  private final Map<String, String> environment;
  private final Output output;
  private final ProgressBar progressBar;
  private final CommandSpec spec = CommandSpec.wrapWithoutInspection(this);

  private final OptionSpec root =
      common("--root")
          .type(String.class)
          .paramLabel("DIR")
          .description(
              "The directory of the store. Default: $LAYERSTORE_ROOT; without that "
                  + "/var/lib/layerstore for root, and layerstore in $XDG_DATA_HOME or ~/.local/share "
                  + "for other users.")
          .build();
  private final OptionSpec driver =
      common("--driver")
          .type(String.class)
          .paramLabel("NAME")
          .description(
              "The graph driver. Default: the one the store has; for a new store the best that "
                  + "works on this machine.")
          .build();
  private final OptionSpec driverOptions =
      common("--driver-opt")
          .type(Map.class)
          .auxiliaryTypes(String.class, String.class)
          .initialValue(Map.of())
          .paramLabel("K=V")
          .description(
              "An option of the graph driver, such as overlay2.ids=own; may be " + "repeated.")
          .build();
  private final OptionSpec readOnly =
      common("--read-only")
          .type(boolean.class)
          .arity("0")
          .description("Change nothing, and take no lock.")
          .build();
  private final OptionSpec init =
      common("--init")
          .type(boolean.class)
          .arity("0")
          .description(
              "Create a store in the directory even if there is something else in it. Default: "
                  + "commands that add something create one, if the directory is new or empty.")
          .build();
  private final OptionSpec quiet =
      common("-q", "--quiet")
          .type(boolean.class)
          .arity("0")
          .description("Print only IDs and names, and show no progress.")
          .build();
  private final OptionSpec json =
      common("--json")
          .type(boolean.class)
          .arity("0")
          .description("Print the result as a JSON document.")
          .build();

  Layerstore(Console console, Map<String, String> environment) {
    this.console = console;
    this.environment = environment;
    this.output = new Output(console.out());
    this.progressBar = new ProgressBar(console);
  }

  private static OptionSpec.Builder common(String... names) {
    return OptionSpec.builder(names).scopeType(ScopeType.INHERIT);
  }

  /**
   * The command line for {@code arguments}. Only the subcommands whose name is among them are
   * there, because describing all takes time; all of them for help.
   */
  CommandLine commandLine(String[] arguments) {
    describe(spec.name("layerstore"), "");
    spec.usageMessage()
        .description(
            "Stores container layers as Docker's layer store does, in the same bytes on disk.")
        .synopsisSubcommandLabel("COMMAND");
    for (OptionSpec option : List.of(root, driver, driverOptions, readOnly, init, quiet, json)) {
      spec.addOption(option);
    }
    List<String> words = Arrays.asList(arguments);
    boolean isAboutAll = isAboutAll(words);
    for (String name : Commands.NAMES) {
      if (isAboutAll || words.contains(name)) {
        CommandSpec command = Commands.create(name, this).spec();
        describe(command, name);
        spec.addSubcommand(name, command);
      }
    }
    // A file may be called @something; picocli would read more arguments from it.
    CommandLine commandLine = new CommandLine(spec).setExpandAtFiles(false);
    commandLine
        .getHelpSectionMap()
        .put(UsageMessageSpec.SECTION_KEY_COMMAND_LIST_HEADING, help -> "");
    commandLine
        .getHelpSectionMap()
        .put(UsageMessageSpec.SECTION_KEY_COMMAND_LIST, CommandHelp::commandList);
    return commandLine;
  }

  /** Whether no command is named, or not before help is asked for. */
  private static boolean isAboutAll(List<String> words) {
    for (String word : words) {
      if (word.equals("help") || word.equals("--help") || word.equals("-h")) {
        return true;
      }
      if (word.equals("--version") || word.equals("-V")) {
        return false;
      }
      if (Commands.NAMES.contains(word)) {
        return false;
      }
    }
    return true;
  }

  /** The name of the program and its version. */
  static String version() {
    String version = Layerstore.class.getPackage().getImplementationVersion();
    return "layerstore " + (version == null ? "(not packaged)" : version);
  }

  /** Adds what every command has; {@code name} is empty for the whole. */
  private static void describe(CommandSpec command, String name) {
    command.addOption(
        OptionSpec.builder("-h", "--help")
            .usageHelp(true)
            .arity("0")
            .type(boolean.class)
            .description("Show this help and exit.")
            .build());
    command.addOption(
        OptionSpec.builder("-V", "--version")
            .versionHelp(true)
            .arity("0")
            .type(boolean.class)
            .description("Print the version and exit.")
            .build());
    command.version(version());
    List<String> footer = new ArrayList<>(List.of("", "Examples:"));
    CommandHelp.examples(name).forEach(example -> footer.add("  " + example));
    footer.add("");
    footer.add("An ID may be shortened to a unique beginning, with or without 'sha256:'.");
    footer.add("Exit status: 0; 1 if the operation failed; 2 for wrong usage.");
    command.usageMessage().autoWidth(true).footer(footer.toArray(new String[0]));
  }

  @Override
  public void run() {
    throw wrongUsage("name a command");
  }

  Console console() {
    return console;
  }

  Output output() {
    output.setJson(isJson());
    return output;
  }

  ProgressBar progressBar() {
    progressBar.setQuiet(isQuiet());
    return progressBar;
  }

  boolean isQuiet() {
    return Subcommand.isGiven(quiet);
  }

  boolean isJson() {
    return Subcommand.isGiven(json);
  }

  /**
   * Opens the store for a command that only looks. Always for reading only, also without {@code
   * --read-only}: looking must not fail because somebody writes, nor keep anybody from writing.
   */
  LayerStore openToRead() throws LayerStoreException {
    return open(builder(rootDirectory()).readOnly(true));
  }

  /**
   * Opens the store to find out about it: as a command that changes it would, because only then the
   * driver tries what works here; for reading only if that is asked for, or if it cannot be
   * written.
   */
  LayerStore openToTry() throws LayerStoreException {
    if (!Subcommand.isGiven(readOnly)) {
      try {
        return openToChange();
      } catch (LayerStoreException e) {
        if (Subcommand.isGiven(init)) {
          throw e;
        }
        // In use, or not ours to write. If it is neither, reading fails in the same way.
      }
    }
    return openToRead();
  }

  /**
   * Opens the store for a command that changes what is there; with {@code --read-only} the store
   * itself refuses the change.
   */
  LayerStore openToChange() throws LayerStoreException {
    return openToWrite(StoreOptions.Creation.NEVER);
  }

  /**
   * Opens the store for a command that sends something of it away, and notes where if nobody else
   * writes.
   */
  LayerStore openToPush() throws LayerStoreException {
    try {
      return openToChange();
    } catch (StoreLockedException e) {
      return openToRead();
    }
  }

  /**
   * Opens the store for a command that adds to it, and makes one if need be. A command that fails
   * takes a store that it made away again.
   */
  LayerStore openToAdd() throws LayerStoreException {
    return openToWrite(StoreOptions.Creation.IF_USED);
  }

  private LayerStore openToWrite(StoreOptions.Creation creation) throws LayerStoreException {
    return open(
        builder(rootDirectory())
            .readOnly(Subcommand.isGiven(readOnly))
            .create(Subcommand.isGiven(init) ? StoreOptions.Creation.ANYWHERE : creation));
  }

  private LayerStore open(StoreOptions.Builder builder) throws LayerStoreException {
    try {
      LayerStore store = builder.open();
      sayWhatIsNotShown(store);
      return store;
    } catch (StoreNotFoundException e) {
      if (!e.found().isEmpty()) {
        throw e;
      }
      throw new LayerStoreException(
          "there is no store at "
              + e.root()
              + "; 'load', 'pull', 'import', 'register' and 'create' make one, as does --init, and --root names"
              + " another",
          e);
    }
  }

  /** With {@code --driver} an empty store can hide a full one of another driver. */
  private void sayWhatIsNotShown(LayerStore store) {
    if (driver.getValue() == null
        || !store.layers().isEmpty()
        || !store.rwLayers().isEmpty()
        || !store.images().list().isEmpty()) {
      return;
    }
    store
        .driverChoice()
        .rejected()
        .forEach(
            (name, reason) ->
                console.complain(
                    "the store of the driver "
                        + store.driverName()
                        + " is empty; of "
                        + name
                        + ": "
                        + reason));
  }

  /** Opens a store of the command's own, for {@code demo}. */
  LayerStore openScratch(Path directory) throws LayerStoreException {
    return builder(directory).open();
  }

  /** Refuses the options that make no sense for a command with a store of its own. */
  void requireNoStoreNamed() {
    if (root.getValue() != null || Subcommand.isGiven(readOnly) || Subcommand.isGiven(init)) {
      throw wrongUsage("demo makes a store of its own; leave out --root, --init and --read-only");
    }
  }

  private StoreOptions.Builder builder(Path directory) {
    StoreOptions.Builder builder =
        LayerStore.builder(directory).driver(driver.getValue()).progress(progressBar().listener());
    Map<String, String> options = driverOptions.getValue();
    options.forEach(builder::driverOption);
    return builder;
  }

  private Path rootDirectory() {
    @Nullable String named = root.getValue();
    if (named != null) {
      return Path.of(named);
    }
    return Environment.root(environment, System.getProperty("user.name"))
        .orElseThrow(
            () -> wrongUsage("there is no home directory to keep a store in; give --root"));
  }

  /** The latest time for what is made from files; null for no limit. */
  @Nullable Instant latestTime() {
    return Environment.sourceDate(environment);
  }

  /** The environment of the command. */
  Map<String, String> environment() {
    return environment;
  }

  /** The platform that an option's value names; null for none. */
  @Nullable Platform platform(@Nullable String text) {
    if (text == null) {
      return null;
    }
    List<String> parts = List.of(text.split("/", -1));
    if (parts.size() < 2 || parts.size() > 3 || parts.contains("")) {
      throw wrongUsage("not a platform: " + text + "; give one such as linux/arm64");
    }
    return parts.size() == 2
        ? Platform.of(parts.get(1), parts.get(0))
        : Platform.of(parts.get(1), parts.get(0), parts.get(2));
  }

  /** The compression that an option's value names; null for none. */
  Compression compression(@Nullable String name) {
    if (name == null) {
      return Compression.NONE;
    }
    return switch (name) {
      case "gzip" -> Compression.GZIP;
      case "zstd" -> Compression.ZSTD;
      default ->
          throw wrongUsage("unknown compression: " + name + "; give gzip or zstd, or leave it out");
    };
  }

  /** What to throw when the command line makes no sense for a reason only the command knows. */
  ParameterException wrongUsage(String message) {
    ParseResult parsed = spec.commandLine().getParseResult();
    CommandSpec named = parsed.hasSubcommand() ? parsed.subcommand().commandSpec() : spec;
    return new ParameterException(named.commandLine(), message);
  }
}
