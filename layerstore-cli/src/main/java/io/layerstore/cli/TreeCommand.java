package io.layerstore.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.layerstore.LayerEntryAttributes;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code tree}: the files of an image as a tree. */
final class TreeCommand extends Subcommand {
  private final ViewChoice choice = new ViewChoice(this);
  private final PositionalParamSpec imageParameter =
      parameter(
          "IMAGE",
          "An image, a layer, a read-write layer, an archive or layout, or docker://REFERENCE in a registry.");
  private final PositionalParamSpec pathParameter =
      optionalParameter("PATH", "The directory to begin at. Default: the root.");

  TreeCommand(Layerstore layerstore) {
    super(layerstore, "Show the files of an image as a tree, without a mount.");
  }

  @Override
  public Integer call() throws IOException {
    try (ShownFiles files = ShownFiles.open(choice, 0, imageParameter.getValue())) {
      Path path = files.path(pathParameter.getValue());
      ShowEntry.attributes(path); // There is something, or this fails.
      print(
          out -> {
            out.line(ShowEntry.printable(path));
            lines(out, path, "");
          },
          json -> members(json, path));
    }
    return 0;
  }

  /** A path has as many names as an archive may have, and no more, so recursion is safe. */
  private static void lines(Output out, Path directory, String indent) throws IOException {
    if (!Files.isDirectory(directory)) {
      return;
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Iterator<Path> iterator = entries.iterator(); iterator.hasNext(); ) {
        Path entry = iterator.next();
        LayerEntryAttributes attributes = ShowEntry.attributes(entry);
        String target = ShowEntry.target(entry, attributes).map(text -> " -> " + text).orElse("");
        boolean isLast = !iterator.hasNext();
        out.line(indent + (isLast ? "└── " : "├── ") + ShowEntry.name(entry) + target);
        if (attributes.isDirectory()) {
          lines(out, entry, indent + (isLast ? "    " : "│   "));
        }
      }
    }
  }

  private static void members(JsonGenerator json, Path path) throws IOException {
    LayerEntryAttributes attributes = ShowEntry.attributes(path);
    ShowEntry.entry(json, path, attributes);
    if (attributes.isDirectory()) {
      json.writeArrayFieldStart("entries");
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(path)) {
        for (Path entry : entries) {
          json.writeStartObject();
          members(json, entry);
          json.writeEndObject();
        }
      }
      json.writeEndArray();
    }
  }
}
