package io.layerstore.cli;

import io.layerstore.ImageReference;
import io.layerstore.spi.RegistryProvider;
import io.layerstore.spi.RegistryRepository;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code tags}: lists the tags of a repository in its registry. */
final class TagsCommand extends Subcommand {
  private final OptionSpec insecureOption = RegistryNames.insecureOption(this);
  private final PositionalParamSpec repositoryParameter =
      parameter("REPOSITORY", "The repository, with its registry.");

  TagsCommand(Layerstore layerstore) {
    super(layerstore, "List the tags of a repository in its registry.");
  }

  @Override
  public Integer call() throws IOException {
    ImageReference repository = ImageReference.parseRepository(repositoryParameter.getValue());
    List<String> tags;
    try (RegistryRepository registry =
        RegistryProvider.find()
            .open(
                repository,
                RegistryProvider.Access.PULL,
                RegistryNames.options(layerstore(), insecureOption))) {
      tags = registry.tags();
    }
    print(
        out -> Show.lines(out, tags),
        json -> {
          json.writeStringField("repository", repository.repository());
          Show.strings(json, "tags", tags);
        });
    return 0;
  }
}
