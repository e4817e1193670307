package io.layerstore.cli;

import io.layerstore.Change;
import io.layerstore.LayerStore;
import io.layerstore.RWLayer;
import java.io.IOException;
import java.util.Iterator;
import java.util.Locale;
import java.util.stream.Stream;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code diff}: how a read-write layer differs from what it stands on. */
final class DiffCommand extends Subcommand {
  private final PositionalParamSpec nameParameter = parameter("NAME", "The read-write layer.");

  DiffCommand(Layerstore layerstore) {
    super(
        layerstore,
        "List the changes in a read-write layer: A added, C changed, D deleted.",
        "Bytes of a name that are not printable are shown as \\xHH.");
  }

  @Override
  public Integer call() throws IOException {
    String name = nameParameter.getValue();
    try (LayerStore store = layerstore().openToRead();
        RWLayer layer = store.getRWLayer(name);
        Stream<Change> stream = layer.changes()) {
      Iterator<Change> changes = stream.iterator();
      print(
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
