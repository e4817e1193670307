package io.layerstore.cli;

import io.layerstore.LayerStore;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code demo}: takes an image through everything the store does, and checks the results. */
@Command(
    name = "demo",
    description = {
      "Take an image through everything the store does, in a temporary store, and check the results.",
      "Each step is shown with its call in Java and its command in the shell."
    })
final class DemoCommand implements Callable<Integer> {
  private static final String SAMPLE = "sample-image.tar";

  private final Layerstore layerstore;

  @Parameters(
      paramLabel = "ARCHIVE",
      arity = "0..1",
      description = "An image as 'docker save' writes it; else a small one that is built in.")
  private @Nullable Path archive;

  DemoCommand(Layerstore layerstore) {
    this.layerstore = layerstore;
  }

  @Override
  public Integer call() throws IOException {
    boolean holds;
    try (ScratchDirectory scratch = ScratchDirectory.create();
        SavedImage image = archive == null ? sample() : SavedImage.open(archive);
        LayerStore store = layerstore.openScratch(scratch.path())) {
      DemoReport report = new DemoReport(layerstore.output(), layerstore.isJson());
      new Demo(store, image, report, layerstore.progressBar()).run();
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
