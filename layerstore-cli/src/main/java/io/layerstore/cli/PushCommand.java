package io.layerstore.cli;

import io.layerstore.ImageReference;
import io.layerstore.LayerStore;
import io.layerstore.PushOptions;
import io.layerstore.PushReport;
import io.layerstore.SaveOptions;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code push}: sends an image to a registry. */
final class PushCommand extends Subcommand {
  private final OptionSpec formatOption =
      option(
          "--format",
          "docker|oci",
          "The kind of manifest: docker, which all engines read, or oci. Default: the manifest "
              + "that the image came with, byte for byte, if its layers are the same there; else "
              + "docker.");
  private final OptionSpec compressOption =
      option(
          "--compress",
          "gzip|zstd",
          "How to compress layers that the registry does not have: gzip (the default), or zstd, "
              + "which needs --format oci.");
  private final OptionSpec platformOption =
      option(
          "--platform",
          "OS/ARCH[/VARIANT]",
          "Of the images that came in one index with IMAGE, push the one for this platform.");
  private final OptionSpec allPlatformsOption =
      flag(
          "--all-platforms",
          "Push all images that came in one index with IMAGE and are here, as an index.");
  private final OptionSpec withOption =
      repeatedOption(
          "--with",
          "IMAGE",
          "A further image, for another platform, to be offered under the same tag; may be "
              + "repeated.");
  private final OptionSpec insecureOption = RegistryNames.insecureOption(this);
  private final PositionalParamSpec imageParameter = parameter("IMAGE", "A reference or an ID.");
  private final PositionalParamSpec targetParameter =
      optionalParameter("TARGET", "The tag to give it in its registry. Default: IMAGE.");

  PushCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Push an image to a registry.",
        "Layers that the registry has are not sent. Prints the digest of the image there.");
  }

  @Override
  public Integer call() throws IOException {
    String image = imageParameter.getValue();
    @Nullable String target = targetParameter.getValue();
    ImageReference to = ImageReference.parse(target == null ? image : target);
    PushOptions options =
        PushOptions.builder()
            .format(format())
            .platform(layerstore().platform(platformOption.getValue()))
            .allPlatforms(isGiven(allPlatformsOption))
            .compression(
                layerstore()
                    .compression(
                        compressOption.getValue() == null ? "gzip" : compressOption.getValue()))
            .registry(RegistryNames.options(layerstore(), insecureOption))
            .progress(layerstore().progressBar().listener())
            .build();
    List<String> images = new ArrayList<>(List.of(image));
    List<String> further = withOption.getValue();
    images.addAll(further);
    try (LayerStore store = layerstore().openToPush()) {
      PushReport report = store.images().push(images, to, options);
      for (String note : report.notes()) {
        layerstore().console().complain(note);
      }
      print(
          out -> {
            out.line(report.target() + "@" + report.digest());
            out.line(
                Show.count(report.uploaded(), "layer")
                    + " sent, "
                    + report.mounted()
                    + " taken from elsewhere in the registry, "
                    + report.present()
                    + " there already");
          },
          out -> out.line(report.digest().toString()),
          json -> {
            json.writeStringField("target", report.target().toString());
            json.writeStringField("digest", report.digest().toString());
            json.writeNumberField("uploaded", report.uploaded());
            json.writeNumberField("mounted", report.mounted());
            json.writeNumberField("present", report.present());
            Show.strings(json, "notes", report.notes());
          });
    }
    return 0;
  }

  private SaveOptions.@Nullable Format format() {
    @Nullable String format = formatOption.getValue();
    if (format == null) {
      return null;
    }
    return switch (format) {
      case "docker" -> SaveOptions.Format.DOCKER;
      case "oci" -> SaveOptions.Format.OCI;
      default ->
          throw layerstore().wrongUsage("unknown format: " + format + "; give docker or oci");
    };
  }
}
