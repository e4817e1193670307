package io.layerstore.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.layerstore.LayerEntryAttributes;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code ls}: the files of an image, without a mount. */
final class LsCommand extends Subcommand {
  private final ViewChoice choice = new ViewChoice(this);
  private final OptionSpec longOption =
      flag("-l", "Show type, mode, links, owner, group, size and time, and where links lead.");
  private final OptionSpec recursiveOption =
      flag("-R", "List directories and all that is in them.");
  private final PositionalParamSpec imageParameter =
      parameter(
          "IMAGE",
          "An image, a layer, a read-write layer, an archive or layout, or docker://REFERENCE in a registry.");
  private final PositionalParamSpec pathParameter =
      optionalParameter("PATH", "What to list. Default: the root.");

  LsCommand(Layerstore layerstore) {
    super(
        layerstore,
        "List files of an image, without a mount.",
        "Owners and groups are numbers. Bytes of a name that are not printable are shown as"
            + " \\xHH.");
  }

  @Override
  public Integer call() throws IOException {
    try (ShownFiles files = ShownFiles.open(choice, 0, imageParameter.getValue())) {
      Path path = files.path(pathParameter.getValue());
      boolean isDirectory =
          Files.isDirectory(path)
              && (!isGiven(longOption) || !ShowEntry.attributes(path).isSymbolicLink());
      if (!isDirectory) {
        ShowEntry.attributes(path); // There is something, or this fails.
      }
      print(
          out -> {
            if (isDirectory) {
              list(out, path, "");
            } else {
              line(out, path, ShowEntry.printable(path));
            }
          },
          json -> {
            json.writeArrayFieldStart("entries");
            if (isDirectory) {
              list(json, path);
            } else {
              entry(json, path);
            }
            json.writeEndArray();
          });
    }
    return 0;
  }

  private static List<Path> entries(Path directory) throws IOException {
    List<Path> entries = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(directory)) {
      stream.forEach(entries::add);
    }
    return entries;
  }

  private void list(Output out, Path directory, String before) throws IOException {
    if (isGiven(recursiveOption)) {
      out.line(before + ShowEntry.printable(directory) + ":");
    }
    List<Path> entries = entries(directory);
    for (Path entry : entries) {
      line(out, entry, ShowEntry.name(entry));
    }
    if (isGiven(recursiveOption)) {
      for (Path entry : entries) {
        if (ShowEntry.attributes(entry).isDirectory()) {
          list(out, entry, "\n");
        }
      }
    }
  }

  private void line(Output out, Path path, String name) throws IOException {
    if (!isGiven(longOption)) {
      out.line(name);
      return;
    }
    LayerEntryAttributes attributes = ShowEntry.attributes(path);
    String target = ShowEntry.target(path, attributes).map(text -> " -> " + text).orElse("");
    out.line(
        String.format(
            "%s %3d %5d %5d %10s %s %s%s",
            ShowEntry.mode(attributes),
            attributes.linkCount(),
            attributes.uid(),
            attributes.gid(),
            ShowEntry.size(attributes),
            attributes.lastModifiedTime().toInstant().truncatedTo(ChronoUnit.SECONDS),
            name,
            target));
  }

  private void list(JsonGenerator json, Path directory) throws IOException {
    for (Path entry : entries(directory)) {
      entry(json, entry);
      if (isGiven(recursiveOption) && ShowEntry.attributes(entry).isDirectory()) {
        list(json, entry);
      }
    }
  }

  private static void entry(JsonGenerator json, Path path) throws IOException {
    json.writeStartObject();
    ShowEntry.entry(json, path, ShowEntry.attributes(path));
    json.writeEndObject();
  }
}
