package io.layerstore.cli;

import io.layerstore.RegistryOptions;
import java.util.List;
import picocli.CommandLine.Model.OptionSpec;

/** What the commands that talk to registries have in common. */
final class RegistryNames {

  /** What is meant where no registry is named. */
  static final String DEFAULT = "docker.io";

  private RegistryNames() {}

  static OptionSpec insecureOption(Subcommand command) {
    return command.repeatedOption(
        "--insecure",
        "HOST[:PORT]",
        "A host to use without encryption, or with a certificate that nobody vouches "
            + "for; may be repeated.");
  }

  static RegistryOptions options(Layerstore layerstore, OptionSpec insecure) {
    RegistryOptions.Builder options =
        RegistryOptions.builder().environment(layerstore.environment());
    List<String> hosts = insecure.getValue();
    hosts.forEach(options::insecure);
    return options.build();
  }
}
