package io.layerstore.cli;

import io.layerstore.DiffId;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.RegisterOptions;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code register}: adds a layer from an archive. */
final class RegisterCommand extends Subcommand {
  private final OptionSpec parentOption = option("--parent", "CHAIN", "The layer below.");
  private final OptionSpec expectedOption =
      option(
          "--expect",
          "DIFFID",
          "The diff ID the layer must have. If the layer exists already, FILE is not read.");
  private final OptionSpec verifyOption =
      flag(
          "--verify-existing",
          "If the layer exists already, read all its files, and unpack it again if any is "
              + "damaged. Default: check only their types and sizes.");
  private final PositionalParamSpec fileParameter =
      parameter("FILE", "The archive; '-' for standard input.");

  RegisterCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Add a layer from its archive FILE, plain or compressed with gzip, bzip2, xz or zstd.",
        "Prints its diff ID, its chain ID and its size in bytes.");
  }

  @Override
  public Integer call() throws IOException {
    @Nullable String parent = parentOption.getValue();
    @Nullable String expected = expectedOption.getValue();
    String file = fileParameter.getValue();
    DiffId diffId = expected == null ? null : DiffId.parse(expected);
    try (LayerStore store = layerstore().openToAdd()) {
      RegisterOptions options =
          RegisterOptions.builder()
              .parent(parent == null ? null : store.resolve(parent))
              .expectedDiffId(diffId)
              .verifyExisting(isGiven(verifyOption))
              .build();
      try (Layer layer = store.register(archive(file), options)) {
        print(
            out -> out.line(Show.registered(layer)),
            out -> out.line(layer.chainId().toString()),
            json -> Show.layer(json, layer));
      }
    }
    return 0;
  }
}
