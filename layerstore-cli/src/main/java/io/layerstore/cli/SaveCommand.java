package io.layerstore.cli;

import io.layerstore.ImageReference;
import io.layerstore.ImageTarget;
import io.layerstore.LayerStore;
import io.layerstore.SaveOptions;
import io.layerstore.SaveReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code save}: writes images as an archive or a layout. */
final class SaveCommand extends Subcommand {
  private final OptionSpec formatOption =
      option(
          "--format",
          "docker|oci",
          "docker (the default): an OCI layout that also has what 'docker load' needs; every "
              + "docker, podman, skopeo and containerd can load it. oci: a plain OCI layout; podman, "
              + "buildah, skopeo, containerd and a dockerd with the containerd image store can load "
              + "it, a dockerd on a graph driver (overlay2, vfs) cannot.");
  private final OptionSpec compressOption =
      option(
          "--compress",
          "gzip|zstd",
          "Compress the layers. Default: store them as they are. Every engine can load gzip; "
              + "zstd needs dockerd 23 or later.");
  private final OptionSpec platformOption =
      option(
          "--platform",
          "OS/ARCH[/VARIANT]",
          "Of images that came in one index with the named ones, save those for this platform.");
  private final OptionSpec allPlatformsOption =
      flag(
          "--all-platforms",
          "Save all images that came in one index with the named ones and are here; with --format "
              + "oci as an index.");
  private final OptionSpec indexOption =
      option(
          "--index",
          "NAME",
          "Save the images, which are for different platforms, as one index of this name; needs "
              + "--format oci.");
  private final OptionSpec fileOption =
      option(
          "-o",
          "FILE|DIR",
          "Where to write: a file; a directory, if it exists or its name ends with '/'; '-' for "
              + "standard output. A file appears only once it is complete. To load a directory into "
              + "Docker, pack it: tar -C DIR -c . | docker load.");
  private final PositionalParamSpec imageParameters =
      remainingParameters(
          "IMAGE", "References or IDs. A repository without a tag means all its tags.");

  SaveCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Save images to an archive or a directory, with all their layers, each layer once.",
        "The same images always give the same bytes.");
    fileOptionIsRequired();
  }

  private void fileOptionIsRequired() {
    spec().usageMessage().customSynopsis("layerstore save [OPTIONS] -o FILE|DIR|- IMAGE...");
  }

  @Override
  public Integer call() throws IOException {
    List<String> images = imageParameters.getValue();
    @Nullable String file = fileOption.getValue();
    if (images.isEmpty()) {
      throw layerstore().wrongUsage("name at least one image");
    }
    if (file == null) {
      throw layerstore().wrongUsage("say where to write: -o FILE, -o DIR/ or -o -");
    }
    boolean toStandardOutput = file.equals("-");
    if (toStandardOutput && layerstore().isJson()) {
      throw layerstore()
          .wrongUsage("with --json the archive cannot go to standard output: give -o FILE");
    }
    if (toStandardOutput && layerstore().console().outIsTerminal()) {
      throw layerstore().wrongUsage("a terminal cannot show an archive: give -o FILE or redirect");
    }
    @Nullable String index = indexOption.getValue();
    if (index != null && format() != SaveOptions.Format.OCI) {
      throw layerstore().wrongUsage("Docker's layout has no index: give --format oci");
    }
    SaveOptions options =
        SaveOptions.builder()
            .format(format())
            .platform(layerstore().platform(platformOption.getValue()))
            .allPlatforms(isGiven(allPlatformsOption))
            .index(index == null ? null : ImageReference.parse(index))
            .compression(layerstore().compression(compressOption.getValue()))
            .progress(layerstore().progressBar().listener())
            .build();
    SaveReport report;
    try (LayerStore store = layerstore().openToRead()) {
      report = store.images().save(images, target(file), options);
    }
    for (String note : report.notes()) {
      layerstore().console().complain(note);
    }
    if (!toStandardOutput) {
      print(
          out -> {},
          json -> {
            json.writeStringField("file", file);
            Show.strings(json, "images", images);
            Show.strings(json, "notes", report.notes());
          });
    }
    return 0;
  }

  private ImageTarget target(String file) {
    if (file.equals("-")) {
      return ImageTarget.stream(layerstore().output().bytes());
    }
    Path path = Path.of(file);
    return file.endsWith("/") || Files.isDirectory(path)
        ? ImageTarget.directory(path)
        : ImageTarget.file(path);
  }

  private SaveOptions.Format format() {
    @Nullable String format = formatOption.getValue();
    return switch (format == null ? "docker" : format) {
      case "docker" -> SaveOptions.Format.DOCKER;
      case "oci" -> SaveOptions.Format.OCI;
      default ->
          throw layerstore().wrongUsage("unknown format: " + format + "; give docker or oci");
    };
  }
}
