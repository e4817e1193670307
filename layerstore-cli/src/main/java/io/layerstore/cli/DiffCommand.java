package io.layerstore.cli;

import io.layerstore.Change;
import io.layerstore.LayerStore;
import io.layerstore.RWLayer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code diff}: how a read-write layer differs from what it stands on. */
final class DiffCommand extends Subcommand {
  private final ViewChoice choice = new ViewChoice(this);
  private final PositionalParamSpec nameParameter =
      parameter(
          "NAME|IMAGE1",
          "The read-write layer; or an image, an archive or layout, or docker://REFERENCE.");
  private final PositionalParamSpec otherParameter =
      optionalParameter("IMAGE2", "What to compare IMAGE1 with, which may be any of these.");

  DiffCommand(Layerstore layerstore) {
    super(
        layerstore,
        "List the changes in a read-write layer, or from one image to another: A added, C changed,"
            + " D deleted.",
        "Between images the size in bytes follows, of what changed before and after; times do not"
            + " count as a change.",
        "Bytes of a name that are not printable are shown as \\xHH.");
  }

  @Override
  public Integer call() throws IOException {
    String name = nameParameter.getValue();
    @Nullable String other = otherParameter.getValue();
    if (other != null) {
      compare(name, other);
      return 0;
    }
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

  private void compare(String before, String after) throws IOException {
    try (ShownFiles old = ShownFiles.open(choice, 0, before);
        ShownFiles now = ShownFiles.open(choice, 1, after)) {
      Path oldRoot = old.path(null);
      Path nowRoot = now.path(null);
      print(
          out ->
              new ImageDifference(
                      (kind, path, oldSize, newSize) ->
                          out.line(
                              kind
                                  + " "
                                  + ShowEntry.printable(path)
                                  + (oldSize == null ? "" : " " + oldSize)
                                  + (newSize == null ? "" : " " + newSize)))
                  .compare(oldRoot, nowRoot),
          json -> {
            json.writeStringField("before", before);
            json.writeStringField("after", after);
            json.writeArrayFieldStart("changes");
            new ImageDifference(
                    (kind, path, oldSize, newSize) -> {
                      json.writeStartObject();
                      json.writeStringField(
                          "kind", kind == 'A' ? "added" : kind == 'C' ? "changed" : "deleted");
                      json.writeStringField("path", ShowEntry.printable(path));
                      if (oldSize != null) {
                        json.writeNumberField("sizeBefore", oldSize);
                      }
                      if (newSize != null) {
                        json.writeNumberField("sizeAfter", newSize);
                      }
                      json.writeEndObject();
                    })
                .compare(oldRoot, nowRoot);
            json.writeEndArray();
          });
    }
  }
}
