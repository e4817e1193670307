package io.layerstore.cli;

import io.layerstore.LayerSource;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/**
 * One subcommand: its part of the command line, and what it does.
 *
 * <p>The options are described to picocli by calls, not by annotations: reading annotations would
 * take a third of the time a short command needs.
 */
abstract class Subcommand implements Callable<Integer> {
  private final Layerstore layerstore;
  private final CommandSpec spec;

  /**
   * A subcommand of {@code layerstore}; the first line of the description is what the list of
   * commands shows.
   */
  Subcommand(Layerstore layerstore, String... description) {
    this.layerstore = layerstore;
    spec = CommandSpec.wrapWithoutInspection(this);
    spec.usageMessage().description(description);
  }

  final CommandSpec spec() {
    return spec;
  }

  final Layerstore layerstore() {
    return layerstore;
  }

  /** The archive of a layer in {@code file}; {@code -} is the standard input. */
  final LayerSource archive(String file) {
    return file.equals("-") ? new StandardInput() : LayerSource.of(Path.of(file));
  }

  private final class StandardInput implements LayerSource {
    @Override
    public InputStream open() {
      return layerstore.console().in();
    }

    @Override
    public Optional<String> name() {
      return Optional.of("the standard input");
    }
  }

  /** Prints the result in the form that was asked for. */
  final void print(Output.Text asText, Output.Json asJson) throws IOException {
    layerstore.output().print(asText, asJson);
  }

  /** Prints the result in the form that was asked for; {@code brief} is the one of {@code -q}. */
  final void print(Output.Text asText, Output.Text brief, Output.Json asJson) throws IOException {
    print(layerstore.isQuiet() ? brief : asText, asJson);
  }

  /** Adds an option with a value; null if it is not given. */
  final OptionSpec option(String name, String label, String description) {
    OptionSpec option =
        OptionSpec.builder(name)
            .type(String.class)
            .paramLabel(label)
            .description(description)
            .build();
    spec.addOption(option);
    return option;
  }

  /** Adds an option with a value that may be given several times; an empty list if it is not. */
  final OptionSpec repeatedOption(String name, String label, String description) {
    OptionSpec option =
        OptionSpec.builder(name)
            .type(List.class)
            .auxiliaryTypes(String.class)
            .initialValue(List.of())
            .paramLabel(label)
            .description(description)
            .build();
    spec.addOption(option);
    return option;
  }

  /** Adds an option without a value, to be asked with {@link #isGiven}. */
  final OptionSpec flag(String name, String description) {
    OptionSpec option =
        OptionSpec.builder(name).type(boolean.class).arity("0").description(description).build();
    spec.addOption(option);
    return option;
  }

  /** Whether an option without a value is on the command line. */
  static boolean isGiven(OptionSpec flag) {
    return Boolean.TRUE.equals(flag.getValue());
  }

  /** Adds a parameter that must be given. */
  final PositionalParamSpec parameter(String label, String description) {
    return parameter(label, "1", description);
  }

  /** Adds a parameter that may be left out; null then. */
  final PositionalParamSpec optionalParameter(String label, String description) {
    return parameter(label, "0..1", description);
  }

  private PositionalParamSpec parameter(String label, String arity, String description) {
    PositionalParamSpec parameter =
        PositionalParamSpec.builder()
            .index(String.valueOf(spec.positionalParameters().size()))
            .arity(arity)
            .required(arity.equals("1"))
            .type(String.class)
            .paramLabel(label)
            .description(description)
            .build();
    spec.addPositional(parameter);
    return parameter;
  }

  /** Adds a parameter for all words that are left; an empty list if there are none. */
  final PositionalParamSpec remainingParameters(String label, String description) {
    PositionalParamSpec parameter =
        PositionalParamSpec.builder()
            .index(spec.positionalParameters().size() + "..*")
            .arity("0..*")
            .type(List.class)
            .auxiliaryTypes(String.class)
            .initialValue(List.of())
            .paramLabel(label)
            .description(description)
            .build();
    spec.addPositional(parameter);
    return parameter;
  }
}
