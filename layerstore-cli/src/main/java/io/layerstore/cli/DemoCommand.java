package io.layerstore.cli;

import io.layerstore.Image;
import io.layerstore.LayerInfo;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.RWLayerInfo;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code demo}: takes an image through everything the store does, and checks the results. */
final class DemoCommand extends Subcommand {
  private static final String SAMPLE = "sample-image.tar";

  private final PositionalParamSpec archiveParameter =
      optionalParameter(
          "ARCHIVE", "An image archive or OCI layout. Default: a small built-in image.");

  DemoCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Take an image through everything a store does, in a temporary store, and check the "
            + "results.",
        "Each step is shown with its call in Java and its command in the shell.");
  }

  @Override
  public Integer call() throws IOException {
    layerstore().requireNoStoreNamed();
    @Nullable String archive = archiveParameter.getValue();
    try (ScratchDirectory scratch = ScratchDirectory.create()) {
      Path image = archive == null ? sample(scratch.path()) : Path.of(archive);
      try (LayerStore store = layerstore().openScratch(scratch.path().resolve("store"));
          LayerStore other = layerstore().openScratch(scratch.path().resolve("other"))) {
        DemoReport report = new DemoReport(layerstore().output(), layerstore().isJson());
        try {
          new Demo(store, other, image, scratch.path(), report, layerstore().progressBar()).run();
        } finally {
          empty(store);
          empty(other);
        }
        return report.finish() ? 0 : Main.FAILED;
      }
    }
  }

  /** Files that the store has given to other ids are not for an ordinary user to delete. */
  private static void empty(LayerStore store) throws LayerStoreException {
    for (RWLayerInfo layer : store.rwLayers()) {
      store.releaseRWLayer(store.getRWLayer(layer.name()));
    }
    for (Image image : store.images().list()) {
      store.images().delete(image.id(), true);
    }
    List<LayerInfo> layers = new ArrayList<>(store.layers());
    layers.sort(Comparator.comparingInt(LayerInfo::depth).reversed());
    for (LayerInfo layer : layers) {
      try {
        store.release(store.get(layer.chainId()));
      } catch (LayerNotFoundException e) {
        // It went with one that stood on it.
      }
    }
  }

  private static Path sample(Path directory) throws IOException {
    try (InputStream in = DemoCommand.class.getResourceAsStream(SAMPLE)) {
      if (in == null) {
        throw new IllegalStateException("the jar lacks " + SAMPLE);
      }
      Path file = directory.resolve(SAMPLE);
      Files.copy(in, file);
      return file;
    }
  }
}
