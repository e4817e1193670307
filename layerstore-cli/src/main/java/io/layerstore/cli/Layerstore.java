package io.layerstore.cli;

import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/**
 * The command without a subcommand: the options all subcommands have in common, and what these
 * give.
 */
@Command(
    name = "layerstore",
    description =
        "Stores container layers as Docker's layer store does, in the same bytes on disk.",
    mixinStandardHelpOptions = true,
    versionProvider = Layerstore.Version.class,
    scope = ScopeType.INHERIT,
    usageHelpAutoWidth = true,
    synopsisSubcommandLabel = "COMMAND",
    footer = {
      "",
      "An ID may be shortened to a unique beginning, with or without 'sha256:'.",
      "Exit status: 0; 1 if the operation failed; 2 for wrong usage."
    })
final class Layerstore implements Runnable {
  private final Console console;
  private final Output output;
  private final ProgressBar progressBar;

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--root",
      paramLabel = "DIR",
      scope = ScopeType.INHERIT,
      description =
          "The store's directory. Else $LAYERSTORE_ROOT; else /var/lib/layerstore for root, and for other users"
              + " layerstore in $XDG_DATA_HOME or ~/.local/share.")
  private @Nullable Path root;

  @Option(
      names = "--driver",
      paramLabel = "NAME",
      scope = ScopeType.INHERIT,
      description = "The graph driver. Else the one the store has, else the best that works here.")
  private @Nullable String driver;

  @Option(
      names = "--driver-opt",
      paramLabel = "K=V",
      scope = ScopeType.INHERIT,
      description = "An option for the graph driver; may be repeated.")
  private Map<String, String> driverOptions = new TreeMap<>();

  @Option(
      names = "--read-only",
      scope = ScopeType.INHERIT,
      description = "Change nothing, and do not wait for or lock anybody out.")
  private boolean readOnly;

  @Option(
      names = "--json",
      scope = ScopeType.INHERIT,
      description = "Print the result as one JSON document.")
  private boolean json;

  Layerstore(Console console) {
    this.console = console;
    this.output = new Output(console.out());
    this.progressBar = new ProgressBar(console);
  }

  @Override
  public void run() {
    throw wrongUsage("name a command");
  }

  Console console() {
    return console;
  }

  Output output() {
    output.setJson(json);
    return output;
  }

  ProgressBar progressBar() {
    return progressBar;
  }

  boolean isJson() {
    return json;
  }

  /**
   * Opens the store for a command that only looks. Always for reading only, also without {@code
   * --read-only}: looking must not fail because somebody writes, nor keep anybody from writing.
   */
  LayerStore openToRead() throws LayerStoreException {
    Path directory = rootDirectory();
    if (!Files.isDirectory(directory)) {
      throw new LayerStoreException(
          "there is no store at "
              + directory
              + "; 'register' and 'create' make one, and --root names another");
    }
    return builder(directory).readOnly(true).open();
  }

  /**
   * Opens the store for a command that changes it; with {@code --read-only} the store itself
   * refuses the change.
   */
  LayerStore openToWrite() throws LayerStoreException {
    return builder(rootDirectory()).readOnly(readOnly).open();
  }

  /** A store of the command's own, for {@code demo}. */
  LayerStore openScratch(Path directory) throws LayerStoreException {
    if (root != null || readOnly) {
      throw wrongUsage("demo makes a store of its own; leave out --root and --read-only");
    }
    return builder(directory).open();
  }

  private LayerStore.Builder builder(Path directory) {
    LayerStore.Builder builder =
        LayerStore.builder(directory).driver(driver).progress(progressBar.listener());
    driverOptions.forEach(builder::driverOption);
    return builder;
  }

  private Path rootDirectory() {
    if (root != null) {
      return root;
    }
    return DefaultRoot.of(System.getenv(), System.getProperty("user.name"))
        .orElseThrow(
            () -> wrongUsage("there is no home directory to keep a store in; give --root"));
  }

  /** What to throw when the command line makes no sense for a reason only the command knows. */
  ParameterException wrongUsage(String message) {
    CommandSpec known = Objects.requireNonNull(spec, "set by picocli");
    CommandLine parsed = known.commandLine();
    var subcommand = parsed.getParseResult().subcommand();
    return new ParameterException(
        subcommand == null ? parsed : subcommand.commandSpec().commandLine(), message);
  }

  /** The version in the jar's manifest. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = Layerstore.class.getPackage().getImplementationVersion();
      return new String[] {"layerstore " + (version == null ? "(not packaged)" : version)};
    }
  }
}
