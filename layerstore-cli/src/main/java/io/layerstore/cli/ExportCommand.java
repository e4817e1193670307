package io.layerstore.cli;

import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.RWLayer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code export}: writes the archive of a layer, or of the changes of a read-write layer. */
@Command(
    name = "export",
    description = {
      "Write a layer's archive, byte for byte as it was registered, or the changes of a read-write layer as an archive.",
      "The bytes are verified on the way: trust them only if the exit status is 0."
    })
final class ExportCommand implements Callable<Integer> {
  private final Layerstore layerstore;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FILE",
      description = "Where to write; appears only when it is complete. Else the standard output.")
  private @Nullable Path file;

  @Option(
      names = "--from",
      paramLabel = "CHAIN",
      description =
          "Write the difference between this layer, somewhere below, and the one exported.")
  private @Nullable String from;

  @Parameters(
      paramLabel = "CHAIN|NAME",
      description = "A chain ID, or the name of a read-write layer.")
  private String target = "";

  ExportCommand(Layerstore layerstore) {
    this.layerstore = layerstore;
  }

  @Override
  public Integer call() throws IOException {
    if (file == null && layerstore.isJson()) {
      throw layerstore.wrongUsage("with --json the archive needs a place of its own: give -o FILE");
    }
    if (file == null && layerstore.console().outIsTerminal()) {
      throw layerstore.wrongUsage("a terminal cannot show an archive: give -o FILE or redirect");
    }
    try (LayerStore store = layerstore.openToRead()) {
      if (Target.isReadWrite(store, target)) {
        if (from != null) {
          throw layerstore.wrongUsage(
              "--from is for layers, and " + target + " is a read-write layer");
        }
        try (RWLayer layer = store.getRWLayer(target);
            InputStream tar = layer.tarStream()) {
          write(tar);
        }
      } else {
        try (Layer layer = store.get(Target.layer(store, target));
            InputStream tar =
                from == null ? layer.tarStream() : layer.tarStreamFrom(store.resolve(from))) {
          write(tar);
        }
      }
    }
    return 0;
  }

  private void write(InputStream tar) throws IOException {
    Copy copy = new Copy(layerstore.progressBar());
    if (file == null) {
      copy.all(tar, layerstore.output().bytes());
      return;
    }
    Path target = file;
    try (OutputFile output = OutputFile.create(target)) {
      copy.all(tar, output.stream());
      output.commit();
    }
    layerstore
        .output()
        .print(
            out -> {},
            json -> {
              json.writeStringField("file", target.toString());
              json.writeNumberField("sizeBytes", copy.bytes());
              json.writeStringField("digest", copy.digest().toString());
            });
  }
}
