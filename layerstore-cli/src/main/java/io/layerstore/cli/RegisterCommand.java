package io.layerstore.cli;

import io.layerstore.ArchiveException;
import io.layerstore.DiffId;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.RegisterOptions;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;
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
          "Refuse any other content. If the layer is there already, FILE is not read.");
  private final PositionalParamSpec fileParameter =
      parameter("FILE", "The archive; '-' for the standard input.");

  RegisterCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Add the layer whose archive is FILE, plain or compressed with gzip, bzip2, xz or zstd.",
        "Prints its diff ID, its chain ID and its size in bytes.");
  }

  @Override
  public Integer call() throws IOException {
    @Nullable String parent = parentOption.getValue();
    @Nullable String expected = expectedOption.getValue();
    String file = fileParameter.getValue();
    DiffId diffId = expected == null ? null : DiffId.parse(expected);
    try (LayerStore store = layerstore().openToWrite()) {
      RegisterOptions options =
          RegisterOptions.builder()
              .parent(parent == null ? null : store.resolve(parent))
              .expectedDiffId(diffId)
              .build();
      try (Layer layer = register(store, file, options)) {
        print(out -> out.line(Show.registered(layer)), json -> Show.layer(json, layer));
      }
    }
    return 0;
  }

  private Layer register(LayerStore store, String file, RegisterOptions options)
      throws LayerStoreException {
    try {
      return file.equals("-")
          ? store.register(layerstore().console().in(), options)
          : store.register(new NamedFile(Path.of(file)), options);
    } catch (ArchiveException e) {
      String name = file.equals("-") ? "the standard input" : file;
      throw new LayerStoreException(
          name + " is not accepted: " + e.getMessage() + "; nothing was registered", e);
    }
  }

  /** A file the user named, with errors that name it too. */
  private record NamedFile(Path file) implements LayerSource {

    @Override
    public InputStream open() throws IOException {
      if (Files.isDirectory(file)) {
        throw new LayerStoreException(file + " is a directory; give an archive");
      }
      try {
        return Files.newInputStream(file);
      } catch (IOException e) {
        throw new LayerStoreException(Failure.describe(e), e);
      }
    }

    @Override
    public OptionalLong sizeBytes() throws IOException {
      return Files.isRegularFile(file) ? OptionalLong.of(Files.size(file)) : OptionalLong.empty();
    }
  }
}
