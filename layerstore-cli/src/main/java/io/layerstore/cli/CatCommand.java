package io.layerstore.cli;

import io.layerstore.LayerStoreException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code cat}: the content of a file of an image. */
final class CatCommand extends Subcommand {
  private final ViewChoice choice = new ViewChoice(this);
  private final PositionalParamSpec imageParameter =
      parameter(
          "IMAGE",
          "An image, a layer, a read-write layer, an archive or layout, or docker://REFERENCE in a registry.");
  private final PositionalParamSpec pathParameter =
      parameter("PATH", "The file. Links are followed inside the image.");

  CatCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Print a file of an image, without a mount.",
        "The bytes are verified as they are printed: trust them only if the exit status is 0.",
        "With --json they are in Base64.");
  }

  @Override
  public Integer call() throws IOException {
    try (ShownFiles files = ShownFiles.open(choice, 0, imageParameter.getValue())) {
      Path path = files.path(pathParameter.getValue());
      if (!Files.isRegularFile(path)) {
        String type = ShowEntry.type(ShowEntry.attributes(path.toRealPath()));
        throw new LayerStoreException(
            ShowEntry.printable(path) + " is a " + type + " and no file; 'ls -l' shows it");
      }
      try (InputStream content = Files.newInputStream(path)) {
        print(
            out -> content.transferTo(out.bytes()),
            json -> {
              json.writeStringField("path", ShowEntry.printable(path.toRealPath()));
              json.writeNumberField("sizeBytes", Files.size(path));
              json.writeFieldName("content");
              json.writeBinary(content, Math.toIntExact(Files.size(path)));
            });
      }
    }
    return 0;
  }
}
