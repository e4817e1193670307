package io.layerstore.cli;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code cp}: copies files of an image out of it. */
final class CpCommand extends Subcommand {
  private final ViewChoice choice = new ViewChoice(this);
  private final OptionSpec followOption =
      flag("-L", "Copy what PATH leads to, if it is a symbolic link.");
  private final PositionalParamSpec sourceParameter =
      parameter(
          "IMAGE:PATH",
          "What to copy: a file or directory of an image, a layer, an archive or layout, or docker://REFERENCE; what is"
              + " in a directory, if PATH ends with \"/.\".");
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
    // A registry, or a drive of Windows, is no image.
    int prefix =
        argument.startsWith(ShownFiles.REMOTE)
            ? ShownFiles.REMOTE.length()
            : argument.startsWith(":/", 1) ? 2 : 0;
    int colon = argument.indexOf(":/", prefix);
    if (colon <= 0) {
      throw layerstore()
          .wrongUsage("give the image and an absolute path in it, such as debian:12:/etc/passwd");
    }
    String text = destinationParameter.getValue();
    Path destination = Path.of(text);
    try (ShownFiles files = ShownFiles.open(choice, 0, argument.substring(0, colon))) {
      String path = argument.substring(colon + 1);
      Path named = files.path(path).toRealPath(LinkOption.NOFOLLOW_LINKS);
      CopyOut copy = new CopyOut(layerstore().console());
      Path source = isGiven(followOption) ? named.toRealPath() : named;
      boolean isContents =
          named.getNameCount() == 0 || (path.endsWith("/.") && Files.isDirectory(source));
      copy(copy, source, isContents ? null : named, destination);
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

  /**
   * Copies {@code source}.
   *
   * @param named what it is called in the image; null for what is in it, without itself
   */
  private static void copy(CopyOut copy, Path source, @Nullable Path named, Path destination)
      throws IOException {
    boolean isDirectory = ShowEntry.attributes(source).isDirectory();
    if (Files.isDirectory(destination)) {
      try (HostDirectory target = HostDirectory.open(destination)) {
        if (named == null) {
          copy.entries(source, target);
        } else {
          copy.as(source, target, CopyOut.hostName(named, destination.getFileSystem()));
        }
      }
    } else if (isDirectory && Files.exists(destination, LinkOption.NOFOLLOW_LINKS)) {
      throw new NotDirectoryException(destination.toString());
    } else {
      Path absolute = destination.toAbsolutePath();
      Path name = absolute.getFileName();
      Path parent = absolute.getParent();
      if (name == null || parent == null) {
        throw new FileSystemException(destination.toString(), null, "no name of a file");
      }
      try (HostDirectory target = HostDirectory.open(parent)) {
        copy.as(source, target, name);
      }
    }
  }
}
