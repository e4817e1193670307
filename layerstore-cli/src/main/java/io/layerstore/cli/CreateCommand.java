package io.layerstore.cli;

import io.layerstore.LayerStore;
import io.layerstore.RWLayer;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code create}: makes a read-write layer. */
@Command(name = "create", description = "Make a read-write layer. Prints its name.")
final class CreateCommand implements Callable<Integer> {
  private final Layerstore layerstore;

  @Option(
      names = "--parent",
      paramLabel = "CHAIN",
      description = "The layer it stands on; without it the read-write layer is empty.")
  private @Nullable String parent;

  @Parameters(paramLabel = "NAME", description = "Its name: letters, digits, '_', '.' and '-'.")
  private String name = "";

  CreateCommand(Layerstore layerstore) {
    this.layerstore = layerstore;
  }

  @Override
  public Integer call() throws IOException {
    try (LayerStore store = layerstore.openToWrite();
        RWLayer layer = store.createRWLayer(name, parent == null ? null : store.resolve(parent))) {
      layerstore
          .output()
          .print(
              out -> out.line(layer.name()),
              json -> {
                json.writeStringField("name", layer.name());
                Show.optional(json, "parent", layer.parent());
                json.writeStringField("mountId", layer.mountId());
              });
    }
    return 0;
  }
}
