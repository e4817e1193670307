package io.layerstore.cli;

import io.layerstore.ChainId;
import io.layerstore.Compression;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.RWLayer;
import io.layerstore.TarOptions;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code export}: writes the archive of a layer, or of the changes of a read-write layer. */
final class ExportCommand extends Subcommand {
  private final OptionSpec fileOption =
      option(
          "-o",
          "FILE",
          "Write to FILE, which appears only once it is complete. Default, or with '-': standard "
              + "output.");
  private final OptionSpec fromOption =
      option(
          "--from",
          "CHAIN",
          "Write only the difference from CHAIN, a layer further down, to the one exported.");
  private final OptionSpec compressOption =
      option("--compress", "gzip|zstd", "Compress the archive; else it is written as it is.");
  private final PositionalParamSpec targetParameter =
      parameter("CHAIN|NAME", "A chain ID, or the name of a read-write layer.");

  ExportCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Write the archive of a layer, byte for byte as it was registered, or the changes in a "
            + "read-write layer as an archive.",
        "The bytes are verified as they are written: trust them only if the exit status is 0.",
        "If $SOURCE_DATE_EPOCH is set (seconds since 1970), no entry of a read-write layer or of "
            + "a difference is newer than that. A layer's own archive never changes.");
  }

  @Override
  public Integer call() throws IOException {
    @Nullable String file = "-".equals(fileOption.getValue()) ? null : fileOption.getValue();
    @Nullable String from = fromOption.getValue();
    String target = targetParameter.getValue();
    if (file == null && layerstore().isJson()) {
      throw layerstore()
          .wrongUsage("with --json the archive cannot go to standard output: give -o FILE");
    }
    if (file == null && layerstore().console().outIsTerminal()) {
      throw layerstore().wrongUsage("a terminal cannot show an archive: give -o FILE or redirect");
    }
    Compression compression = layerstore().compression(compressOption.getValue());
    TarOptions made =
        TarOptions.builder().latestTime(layerstore().latestTime()).compression(compression).build();
    TarOptions registered = made.toBuilder().latestTime(null).build();
    try (LayerStore store = layerstore().openToRead()) {
      if (Target.isReadWrite(store, target)) {
        if (from != null) {
          throw layerstore()
              .wrongUsage("--from is for layers, and " + target + " is a read-write layer");
        }
        try (RWLayer layer = store.getRWLayer(target);
            InputStream tar = layer.tarStream(made)) {
          write(tar, file);
        }
      } else {
        try (Layer layer = store.get(Target.layer(store, target));
            InputStream tar =
                from == null
                    ? layer.tarStream(registered)
                    : difference(layer, store.resolve(from), made)) {
          write(tar, file);
        }
      }
    }
    return 0;
  }

  private static InputStream difference(Layer layer, ChainId ancestor, TarOptions options)
      throws LayerStoreException {
    try {
      return layer.tarStreamFrom(ancestor, options);
    } catch (IllegalArgumentException e) {
      throw new LayerStoreException(
          e.getMessage() + "; 'layers --tree' shows which layers are below it", e);
    }
  }

  private void write(InputStream tar, @Nullable String file) throws IOException {
    Copy copy = new Copy(layerstore().progressBar());
    if (file == null) {
      copy.all(tar, layerstore().output().bytes());
      return;
    }
    try (OutputFile output = OutputFile.create(Path.of(file))) {
      copy.all(tar, output.stream());
      output.commit();
    }
    print(
        out -> {},
        json -> {
          json.writeStringField("file", file);
          json.writeNumberField("sizeBytes", copy.bytes());
          json.writeStringField("digest", copy.digest().toString());
        });
  }
}
