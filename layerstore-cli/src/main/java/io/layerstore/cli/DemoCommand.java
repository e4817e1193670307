package io.layerstore.cli;

import io.layerstore.LayerStore;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code demo}: takes an image through everything the store does, and checks the results. */
final class DemoCommand extends Subcommand {
  private static final String SAMPLE = "sample-image.tar";

  private final PositionalParamSpec archiveParameter =
      optionalParameter(
          "ARCHIVE", "An image as 'docker save' writes it; else a small one that is built in.");

  DemoCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Take an image through everything the store does, in a temporary store, and check the results.",
        "Each step is shown with its call in Java and its command in the shell.");
  }

  @Override
  public Integer call() throws IOException {
    layerstore().requireNoStoreNamed();
    @Nullable String archive = archiveParameter.getValue();
    boolean holds;
    try (ScratchDirectory scratch = ScratchDirectory.create();
        SavedImage image = archive == null ? sample() : SavedImage.open(Path.of(archive));
        LayerStore store = layerstore().openScratch(scratch.path())) {
      DemoReport report = new DemoReport(layerstore().output(), layerstore().isJson());
      new Demo(store, image, report, layerstore().progressBar()).run();
      holds = report.finish();
    }
    return holds ? 0 : Main.FAILED;
  }

  private static SavedImage sample() throws IOException {
    try (InputStream in = DemoCommand.class.getResourceAsStream(SAMPLE)) {
      if (in == null) {
        throw new IllegalStateException("the jar lacks " + SAMPLE);
      }
      return SavedImage.open(in.readAllBytes());
    }
  }
}
