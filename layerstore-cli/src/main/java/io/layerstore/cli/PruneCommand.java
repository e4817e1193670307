package io.layerstore.cli;

import io.layerstore.ChainId;
import io.layerstore.ImageId;
import io.layerstore.ImageReference;
import io.layerstore.LayerInfo;
import io.layerstore.LayerStore;
import io.layerstore.PruneOptions;
import io.layerstore.PrunePlan;
import io.layerstore.PruneReport;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Model.OptionSpec;

/** {@code prune}: deletes what nothing refers to. */
final class PruneCommand extends Subcommand {
  private final OptionSpec dryRunOption =
      flag("--dry-run", "Show what would be deleted, but " + "delete nothing.");
  private final OptionSpec allOption =
      flag(
          "--all",
          "Also delete images that have references, unless a read-write layer is based on them.");
  private final OptionSpec layersOption =
      flag("--layers", "Also delete layers that no image and no read-write layer uses.");

  PruneCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Delete images that have no reference, and layers that nothing uses any more.",
        "Prints what was deleted, or would be: 'untagged REFERENCE', 'deleted IMAGE', 'deleted "
            + "CHAIN', and the space freed.");
  }

  @Override
  public Integer call() throws IOException {
    PruneOptions options =
        PruneOptions.builder().allImages(isGiven(allOption)).layers(isGiven(layersOption)).build();
    if (isGiven(dryRunOption)) {
      try (LayerStore store = layerstore().openToRead()) {
        PrunePlan plan = store.images().planPrune(options);
        show(
            "would be ",
            plan.references(),
            plan.images(),
            plan.layers(),
            plan.reclaimableBytes(),
            plan.spared(),
            List.of());
      }
    } else {
      try (LayerStore store = layerstore().openToChange()) {
        PruneReport report = store.images().prune(options);
        show(
            "",
            report.references(),
            report.images(),
            report.layers().stream().map(LayerInfo::chainId).toList(),
            report.reclaimedBytes(),
            report.spared(),
            report.failed());
        return report.failed().isEmpty() ? 0 : 1;
      }
    }
    return 0;
  }

  private void show(
      String tense,
      List<ImageReference> references,
      List<ImageId> images,
      List<ChainId> layers,
      long bytes,
      List<String> spared,
      List<String> failed)
      throws IOException {
    for (String line : spared) {
      layerstore().console().complain(line);
    }
    for (String line : failed) {
      layerstore().console().complain("could not delete " + line);
    }
    print(
        out -> {
          for (ImageReference reference : references) {
            out.line(tense + "untagged " + reference);
          }
          for (ImageId image : images) {
            out.line(tense + "deleted " + image);
          }
          for (ChainId layer : layers) {
            out.line(tense + "deleted " + layer);
          }
          out.line(tense + "reclaimed " + Show.size(bytes));
        },
        out -> {
          Show.lines(out, references);
          Show.lines(out, images);
          Show.lines(out, layers);
        },
        json -> {
          json.writeBooleanField("dryRun", isGiven(dryRunOption));
          Show.strings(json, "untagged", references);
          Show.strings(json, "deletedImages", images);
          Show.strings(json, "deletedLayers", layers);
          json.writeNumberField("reclaimedBytes", bytes);
          Show.strings(json, "spared", spared);
          Show.strings(json, "failed", failed);
        });
  }
}
