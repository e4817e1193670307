package io.layerstore.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.Image;
import io.layerstore.ImageConfig;
import io.layerstore.ImageId;
import io.layerstore.ImageReference;
import io.layerstore.LayerInfo;
import io.layerstore.LayerStore;
import io.layerstore.LoadReport;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;

/** How images look: short for people, complete in JSON. */
final class ShowImage {
  private ShowImage() {}

  static String shortId(ImageId id) {
    return Show.shortId(id.digest());
  }

  static String words(List<ImageReference> references) {
    return references.stream().map(ImageReference::toString).collect(Collectors.joining(" "));
  }

  /**
   * The sizes of images at this moment, in bytes: of all layers of an image together, as the graph
   * driver counts.
   */
  static ToLongFunction<Image> sizes(LayerStore store) {
    Map<ChainId, Long> ofChains =
        store.layers().stream().collect(Collectors.toMap(LayerInfo::chainId, LayerInfo::sizeBytes));
    // Each layer up is a hash, and images on the same layers have the same list of them.
    Map<List<DiffId>, Long> ofStacks = new HashMap<>();
    return image ->
        ofStacks.computeIfAbsent(
            image.config().diffIds(),
            diffIds -> ChainId.of(diffIds).map(top -> ofChains.getOrDefault(top, 0L)).orElse(0L));
  }

  /** What an image is; all else is in its configuration. */
  static void image(JsonGenerator json, Image image, List<ImageReference> references)
      throws IOException {
    json.writeStringField("id", image.id().toString());
    Show.strings(json, "references", references);
    Show.optional(json, "parent", image.parent());
    Show.optional(json, "topLayer", image.topLayer());
    Show.strings(json, "diffIds", image.config().diffIds());
    Show.optional(json, "created", image.config().created());
    json.writeStringField("os", image.config().os());
    json.writeStringField("architecture", image.config().architecture());
  }

  /** Prints what a load or a pull added. */
  static void loaded(Subcommand command, LoadReport report) throws IOException {
    for (String note : report.notes()) {
      command.layerstore().console().complain(note);
    }
    command.print(
        out -> {
          for (LoadReport.LoadedImage image : report.images()) {
            out.line((image.id() + " " + words(image.references())).stripTrailing());
          }
        },
        out -> Show.lines(out, report.images().stream().map(LoadReport.LoadedImage::id).toList()),
        json -> {
          json.writeArrayFieldStart("images");
          for (LoadReport.LoadedImage image : report.images()) {
            json.writeStartObject();
            json.writeStringField("id", image.id().toString());
            Show.strings(json, "references", image.references());
            Show.strings(json, "newLayers", image.newLayers());
            json.writeEndObject();
          }
          json.writeEndArray();
          Show.strings(json, "notes", report.notes());
        });
  }

  /** What a step was done by or for, in one line. */
  static String step(ImageConfig.HistoryEntry step) {
    String createdBy = step.createdBy().orElse("");
    String comment = step.comment().orElse("");
    return Failure.oneLine(
        comment.isEmpty() ? createdBy : (createdBy + " # " + comment).stripLeading());
  }
}
