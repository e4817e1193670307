package io.layerstore.cli;

import io.layerstore.Change;
import io.layerstore.LayerStore;
import io.layerstore.RWLayer;
import java.io.IOException;
import java.util.Iterator;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code diff}: how a read-write layer differs from what it stands on. */
@Command(
    name = "diff",
    description = {
      "List how a read-write layer differs from the layer it stands on: A added, C changed, D deleted.",
      "What is not printable in a name is shown as \\xHH."
    })
final class DiffCommand implements Callable<Integer> {
  private final Layerstore layerstore;

  @Parameters(paramLabel = "NAME", description = "The read-write layer.")
  private String name = "";

  DiffCommand(Layerstore layerstore) {
    this.layerstore = layerstore;
  }

  @Override
  public Integer call() throws IOException {
    try (LayerStore store = layerstore.openToRead();
        RWLayer layer = store.getRWLayer(name);
        Stream<Change> stream = layer.changes()) {
      Iterator<Change> changes = stream.iterator();
      layerstore
          .output()
          .print(
              out -> {
                while (changes.hasNext()) {
                  out.line(changes.next().toString());
                }
              },
              json -> {
                json.writeStringField("name", name);
                json.writeArrayFieldStart("changes");
                while (changes.hasNext()) {
                  Change change = changes.next();
                  json.writeStartObject();
                  json.writeStringField("kind", change.kind().name().toLowerCase(Locale.ROOT));
                  Show.path(json, change.path());
                  json.writeEndObject();
                }
                json.writeEndArray();
              });
    }
    return 0;
  }
}
