package io.layerstore.cli;

import io.layerstore.Image;
import io.layerstore.ImageReference;
import io.layerstore.ImportOptions;
import io.layerstore.LayerStore;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code import}: makes an image of a root file system. */
final class ImportCommand extends Subcommand {
  private final OptionSpec messageOption =
      option("--message", "TEXT", "The comment in the image's history.");
  private final OptionSpec changeOption =
      repeatedOption(
          "--change",
          "INSTRUCTION",
          "A Dockerfile instruction, such as 'CMD [\"/bin/sh\"]'; may be repeated.");
  private final PositionalParamSpec fileParameter =
      parameter("FILE", "The archive of the root file system; '-' for the standard input.");
  private final PositionalParamSpec referenceParameter =
      optionalParameter("REFERENCE", "A name for the image.");

  ImportCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Make an image with one layer from the archive of a root file system, plain or "
            + "compressed. Prints its ID.");
  }

  @Override
  public Integer call() throws IOException {
    String file = fileParameter.getValue();
    @Nullable String reference = referenceParameter.getValue();
    ImportOptions options =
        ImportOptions.builder()
            .reference(reference == null ? null : ImageReference.parse(reference))
            .message(messageOption.getValue())
            .changes(changeOption.getValue())
            .progress(layerstore().progressBar().listener())
            .build();
    try (LayerStore store = layerstore().openToAdd()) {
      Image image = store.images().importRootFs(archive(file), options);
      print(
          out -> out.line(image.id().toString()),
          json -> ShowImage.image(json, image, store.images().references().of(image.id())));
    }
    return 0;
  }
}
