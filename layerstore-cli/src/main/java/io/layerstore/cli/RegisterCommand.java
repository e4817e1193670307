package io.layerstore.cli;

import io.layerstore.DiffId;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.RegisterOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code register}: adds a layer from an archive. */
@Command(
    name = "register",
    description = {
      "Add the layer whose archive is FILE, plain or compressed with gzip, bzip2, xz or zstd.",
      "Prints its diff ID, its chain ID and its size in bytes."
    })
final class RegisterCommand implements Callable<Integer> {
  private final Layerstore layerstore;

  @Option(names = "--parent", paramLabel = "CHAIN", description = "The layer below.")
  private @Nullable String parent;

  @Option(
      names = "--expect",
      paramLabel = "DIFFID",
      description = "Refuse any other content. If the layer is there already, FILE is not read.")
  private @Nullable String expected;

  @Parameters(paramLabel = "FILE", description = "The archive; '-' for the standard input.")
  private String file = "";

  RegisterCommand(Layerstore layerstore) {
    this.layerstore = layerstore;
  }

  @Override
  public Integer call() throws IOException {
    DiffId diffId = expected == null ? null : DiffId.parse(expected);
    try (LayerStore store = layerstore.openToWrite()) {
      RegisterOptions options =
          RegisterOptions.builder()
              .parent(parent == null ? null : store.resolve(parent))
              .expectedDiffId(diffId)
              .build();
      try (Layer layer =
          file.equals("-")
              ? store.register(layerstore.console().in(), options)
              : store.register(LayerSource.of(Path.of(file)), options)) {
        layerstore
            .output()
            .print(out -> out.line(Show.registered(layer)), json -> Show.layer(json, layer));
      }
    }
    return 0;
  }
}
