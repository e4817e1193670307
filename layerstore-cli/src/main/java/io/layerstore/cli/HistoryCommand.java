package io.layerstore.cli;

import io.layerstore.DiffId;
import io.layerstore.Image;
import io.layerstore.ImageConfig.HistoryEntry;
import io.layerstore.LayerStore;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code history}: how an image was made. */
final class HistoryCommand extends Subcommand {
  private final PositionalParamSpec imageParameter = parameter("IMAGE", "A reference or an ID.");

  HistoryCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Show the history of an image, latest step first, with the layer of each step.");
  }

  /** A step and the layer it made, if it made one. */
  private record Step(HistoryEntry entry, Optional<DiffId> layer) {}

  @Override
  public Integer call() throws IOException {
    try (LayerStore store = layerstore().openToRead()) {
      List<Step> steps = steps(Target.image(store, imageParameter.getValue()));
      print(
          out -> {
            Table table = new Table("LAYER", "CREATED", "CREATED BY");
            for (Step step : steps) {
              table.row(
                  step.layer().map(Show::shortId).orElse("-"),
                  step.entry().created().map(Instant::toString).orElse("-"),
                  ShowImage.step(step.entry()));
            }
            table.writeTo(out);
          },
          json -> {
            json.writeArrayFieldStart("history");
            for (Step step : steps) {
              HistoryEntry entry = step.entry();
              json.writeStartObject();
              Show.optional(json, "diffId", step.layer());
              Show.optional(json, "created", entry.created());
              Show.optional(json, "createdBy", entry.createdBy());
              Show.optional(json, "author", entry.author());
              Show.optional(json, "comment", entry.comment());
              json.writeBooleanField("emptyLayer", entry.isEmptyLayer());
              json.writeEndObject();
            }
            json.writeEndArray();
          });
    }
    return 0;
  }

  /**
   * The latest step first. Layers the history does not tell of are steps about which nothing is
   * known.
   */
  private static List<Step> steps(Image image) {
    List<Step> steps = new ArrayList<>();
    Iterator<DiffId> layers = image.config().diffIds().iterator();
    for (HistoryEntry entry : image.config().history()) {
      boolean hasLayer = !entry.isEmptyLayer() && layers.hasNext();
      steps.add(new Step(entry, hasLayer ? Optional.of(layers.next()) : Optional.empty()));
    }
    while (layers.hasNext()) {
      steps.add(
          new Step(
              new HistoryEntry(
                  Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), false),
              Optional.of(layers.next())));
    }
    Collections.reverse(steps);
    return steps;
  }
}
