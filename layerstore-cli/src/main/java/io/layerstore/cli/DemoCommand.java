package io.layerstore.cli;

import io.layerstore.LayerStore;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code demo}: takes an image through everything the store does, and checks the results. */
final class DemoCommand extends Subcommand {
  private static final String SAMPLE = "sample-image.tar";

  private final PositionalParamSpec archiveParameter =
      optionalParameter(
          "ARCHIVE", "An image archive or OCI layout; else a small image that is built in.");

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
    try (ScratchDirectory scratch = ScratchDirectory.create()) {
      Path image = archive == null ? sample(scratch.path()) : Path.of(archive);
      try (LayerStore store = layerstore().openScratch(scratch.path().resolve("store"));
          LayerStore other = layerstore().openScratch(scratch.path().resolve("other"))) {
        DemoReport report = new DemoReport(layerstore().output(), layerstore().isJson());
        new Demo(store, other, image, scratch.path(), report, layerstore().progressBar()).run();
        return report.finish() ? 0 : Main.FAILED;
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
