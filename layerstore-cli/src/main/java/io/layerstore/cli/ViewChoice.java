package io.layerstore.cli;

import io.layerstore.RegistryOptions;
import io.layerstore.ViewOptions;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;

/** The options of commands that look into images: which one, and what of it. */
final class ViewChoice {
  private final Subcommand command;
  private final OptionSpec imageOption;
  private final OptionSpec platformOption;
  private final OptionSpec topOption;
  private final OptionSpec trustOption;
  private final OptionSpec spoolOption;
  private final OptionSpec insecureOption;

  /** Adds the options to a command. */
  ViewChoice(Subcommand command) {
    this.command = command;
    imageOption =
        command.repeatedOption(
            "--image",
            "NAME",
            "Which image of an archive that has several: a reference or the beginning of an ID.");
    platformOption =
        command.option(
            "--platform",
            "OS/ARCH[/VARIANT]",
            "The platform, where an archive has the image for several. Default: this"
                + " machine's.");
    topOption =
        command.flag(
            "--top-only", "The top layer alone, with what it deletes as entries of its own.");
    trustOption =
        command.flag(
            "--no-verify",
            "Do not compare contents with their checksums. An archive that is not compressed is"
                + " then not read to its end before anything is shown.");
    spoolOption =
        command.option(
            "--spool",
            "DIR",
            "Where layers that are compressed, or in a registry, are kept while the command runs."
                + " Default: the directory for temporary files.");
    insecureOption = RegistryNames.insecureOption(command);
  }

  Layerstore layerstore() {
    return command.layerstore();
  }

  /** How to talk to the registry of an image that is in one. */
  RegistryOptions registry() {
    return RegistryNames.options(layerstore(), insecureOption);
  }

  /** What was chosen for the first image that the command takes, 0, or another one. */
  ViewOptions options(int number) {
    List<String> images = imageOption.getValue();
    @Nullable String platform = platformOption.getValue();
    @Nullable String spool = spoolOption.getValue();
    return ViewOptions.builder()
        .image(images.isEmpty() ? null : images.get(Math.min(number, images.size() - 1)))
        .platform(command.layerstore().platform(platform))
        .onlyThisLayer(Subcommand.isGiven(topOption))
        .verify(!Subcommand.isGiven(trustOption))
        .temporaryDirectory(spool == null ? null : Path.of(spool))
        .build();
  }
}
