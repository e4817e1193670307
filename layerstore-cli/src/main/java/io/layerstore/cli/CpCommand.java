package io.layerstore.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code cp}: copies files of an image out of it. */
final class CpCommand extends Subcommand {
  private final PositionalParamSpec sourceParameter =
      parameter(
          "IMAGE:PATH",
          "What to copy: a file or directory of an image, a layer, or an archive or layout.");
  private final PositionalParamSpec destinationParameter =
      parameter("DEST", "Where to; into it if it is a directory.");

  CpCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Copy files of an image to this machine, without a mount.",
        "Modes and times are kept, and owners where this user may set them. Symbolic links are"
            + " copied as they are, and nothing is ever written through one. Devices and pipes are"
            + " left out.");
  }

  @Override
  public Integer call() throws IOException {
    String argument = sourceParameter.getValue();
    // A drive of Windows is no image.
    int colon = argument.indexOf(":/", argument.startsWith(":/", 1) ? 2 : 0);
    if (colon <= 0) {
      throw layerstore()
          .wrongUsage("give the image and an absolute path in it, such as debian:12:/etc/passwd");
    }
    String text = destinationParameter.getValue();
    Path destination = Path.of(text);
    try (ShownFiles files = ShownFiles.open(layerstore(), argument.substring(0, colon))) {
      Path source = files.path(argument.substring(colon + 1)).normalize();
      ShowEntry.attributes(source); // There is something, or this fails.
      CopyOut copy = new CopyOut(layerstore().console());
      if (Files.isDirectory(destination)) {
        Path name = source.getFileName();
        if (name == null) {
          copy.entries(source, destination);
        } else {
          copy.into(source, destination);
        }
      } else if (Files.exists(destination, LinkOption.NOFOLLOW_LINKS)
          && ShowEntry.attributes(source).isDirectory()) {
        throw new NotDirectoryException(destination.toString());
      } else {
        copy.as(source, destination);
      }
      copy.finish();
      print(
          out -> {},
          json -> {
            json.writeStringField("destination", destination.toString());
            json.writeNumberField("entries", copy.entries());
            json.writeNumberField("sizeBytes", copy.bytes());
            json.writeNumberField("leftOut", copy.leftOut());
          });
    }
    return 0;
  }
}
