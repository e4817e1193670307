package io.layerstore.cli;

import io.layerstore.ArchiveException;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.InvalidImageException;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LoadOptions;
import io.layerstore.LoadReport;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code load}: adds the images of an archive. */
final class LoadCommand extends Subcommand {
  private final OptionSpec platformOption =
      option(
          "--platform",
          "OS/ARCH[/VARIANT]",
          "Load only images for this platform. Default: where there is a choice, the image for "
              + "this machine.");
  private final OptionSpec allPlatformsOption =
      flag(
          "--all-platforms",
          "Load the images for all platforms; the one for this machine, or for --platform, gets "
              + "the name.");
  private final OptionSpec tagOption =
      option("--tag", "NAME", "The name for an image that has none in the archive.");
  private final OptionSpec verifyOption =
      flag(
          "--verify-existing",
          "Read all files of layers that exist already, and unpack damaged ones again. Default: "
              + "check only their types and sizes.");
  private final PositionalParamSpec fileParameter =
      parameter("FILE|DIR", "The archive or layout; '-' for standard input.");

  LoadCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Load images from an archive that 'docker save' wrote, from an OCI layout or from a "
            + "skopeo 'dir:', plain or compressed.",
        "Prints one line for each image: its ID, and the references that now name it. Reports on "
            + "standard error what it skipped because it is not an image or is for another platform.");
  }

  @Override
  public Integer call() throws IOException {
    String file = fileParameter.getValue();
    @Nullable String platform = platformOption.getValue();
    @Nullable String tag = tagOption.getValue();
    LoadOptions options =
        LoadOptions.builder()
            .platform(layerstore().platform(platform))
            .allPlatforms(isGiven(allPlatformsOption))
            .reference(tag == null ? null : ImageReference.parse(tag))
            .verifyExisting(isGiven(verifyOption))
            .progress(layerstore().progressBar().listener())
            .build();
    try (LayerStore store = layerstore().openToAdd()) {
      LoadReport report = load(store, file, options);
      ShowImage.loaded(this, report);
    }
    return 0;
  }

  private LoadReport load(LayerStore store, String file, LoadOptions options) throws IOException {
    String name = file.equals("-") ? "the standard input" : file;
    try {
      return store
          .images()
          .load(
              file.equals("-")
                  ? ImageSource.of(layerstore().console().in())
                  : ImageSource.of(Path.of(file)),
              options);
    } catch (InvalidImageException | ArchiveException e) {
      throw new LayerStoreException(
          name + " cannot be loaded: " + e.getMessage() + "; nothing was added", e);
    }
  }
}
