package io.layerstore.cli;

import io.layerstore.ImageReference;
import io.layerstore.LayerStore;
import io.layerstore.LoadReport;
import io.layerstore.PullOptions;
import java.io.IOException;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code pull}: adds an image from its registry. */
final class PullCommand extends Subcommand {
  private final OptionSpec platformOption =
      option(
          "--platform",
          "OS/ARCH[/VARIANT]",
          "The platform to pull the image for. Default: this machine's.");
  private final OptionSpec allPlatformsOption =
      flag(
          "--all-platforms",
          "Pull the images for all platforms; the one for this machine, or for --platform, gets "
              + "the name.");
  private final OptionSpec allTagsOption = flag("--all-tags", "Pull all tags of the repository.");
  private final OptionSpec policyOption =
      option(
          "--policy",
          "always|missing|never",
          "When to ask the registry: always (the default), only if the reference names no image "
              + "here, or never.");
  private final OptionSpec insecureOption = RegistryNames.insecureOption(this);
  private final PositionalParamSpec referenceParameter =
      parameter("REFERENCE", "The image, by tag or digest.");

  PullCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Pull an image from a registry.",
        "Layers that are there already are not fetched. A pull that was broken off resumes where it "
            + "was. Prints the image's ID, and the references that now name it.");
  }

  @Override
  public Integer call() throws IOException {
    PullOptions options =
        PullOptions.builder()
            .platform(layerstore().platform(platformOption.getValue()))
            .allPlatforms(isGiven(allPlatformsOption))
            .allTags(isGiven(allTagsOption))
            .policy(policy())
            .registry(RegistryNames.options(layerstore(), insecureOption))
            .progress(layerstore().progressBar().listener())
            .build();
    ImageReference reference = ImageReference.parse(referenceParameter.getValue());
    try (LayerStore store = layerstore().openToAdd()) {
      LoadReport report = store.images().pull(reference, options);
      ShowImage.loaded(this, report);
    }
    return 0;
  }

  private PullOptions.Policy policy() {
    String policy = policyOption.getValue();
    return switch (policy == null ? "always" : policy) {
      case "always" -> PullOptions.Policy.ALWAYS;
      case "missing" -> PullOptions.Policy.MISSING;
      case "never" -> PullOptions.Policy.NEVER;
      default ->
          throw layerstore()
              .wrongUsage("unknown policy: " + policy + "; give always, missing or never");
    };
  }
}
