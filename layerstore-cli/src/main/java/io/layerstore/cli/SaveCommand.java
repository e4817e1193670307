package io.layerstore.cli;

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
          "docker: an OCI layout that also has what 'docker load' needs; the default. Loaded by every docker,"
              + " podman, skopeo and containerd. oci: a plain OCI layout. Loaded by podman, buildah, skopeo,"
              + " containerd and a dockerd that keeps its images in containerd; by no dockerd on a graph driver"
              + " (overlay2, vfs).");
  private final OptionSpec compressOption =
      option(
          "--compress",
          "gzip|zstd",
          "Compress the layers; else they are stored as they are. gzip is loaded by all, zstd by dockerd 23"
              + " and later.");
  private final OptionSpec fileOption =
      option(
          "-o",
          "FILE|DIR",
          "Where to write: a file; a directory that exists or whose name ends with '/'; '-' for the"
              + " standard output. A file appears only when it is complete. For 'docker load' a directory has to"
              + " be packed: tar -C DIR -c . | docker load.");
  private final PositionalParamSpec imageParameters =
      remainingParameters(
          "IMAGE", "References or IDs. A repository without a tag means all its tags.");

  SaveCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Write images with all their layers, each layer once.",
        "The same images give the same bytes.");
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
          .wrongUsage("with --json the archive needs a place of its own: give -o FILE");
    }
    if (toStandardOutput && layerstore().console().outIsTerminal()) {
      throw layerstore().wrongUsage("a terminal cannot show an archive: give -o FILE or redirect");
    }
    SaveOptions options =
        SaveOptions.builder()
            .format(format())
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
      default -> throw layerstore().wrongUsage("no format: " + format + "; give docker or oci");
    };
  }
}
