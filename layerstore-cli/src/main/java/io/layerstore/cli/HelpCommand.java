package io.layerstore.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.ParameterException;

/** {@code help}: the same as {@code --help}. */
final class HelpCommand extends Subcommand {
  private final PositionalParamSpec nameParameter =
      optionalParameter("COMMAND", "The command to describe. Default: list all commands.");

  HelpCommand(Layerstore layerstore) {
    super(layerstore, "Show the help of a command, or of the whole.");
  }

  @Override
  public Integer call() throws IOException {
    CommandLine whole = spec().commandLine().getParent();
    @Nullable String name = nameParameter.getValue();
    @Nullable CommandLine command = name == null ? whole : whole.getSubcommands().get(name);
    if (name != null && command == null) {
      throw new ParameterException(whole, Suggestion.noCommand(name));
    }
    if (command != null) {
      String usage = command.getUsageMessage();
      layerstore().output().bytes().write(usage.getBytes(StandardCharsets.UTF_8));
    }
    return 0;
  }
}
