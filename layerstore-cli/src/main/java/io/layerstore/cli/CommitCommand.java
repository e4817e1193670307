package io.layerstore.cli;

import io.layerstore.CommitImageOptions;
import io.layerstore.CommitOptions;
import io.layerstore.Image;
import io.layerstore.ImageReference;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.RWLayer;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code commit}: makes a layer, or an image, of the changes of a read-write layer. */
final class CommitCommand extends Subcommand {
  private final OptionSpec imageOption =
      option("--image", "REFERENCE", "Make an image of this name, and print its ID instead.");
  private final OptionSpec parentOption =
      option(
          "--from",
          "IMAGE",
          "With --image: the image the layer was made from, if several have the same layers.");
  private final OptionSpec authorOption = option("--author", "TEXT", "With --image: its author.");
  private final OptionSpec messageOption =
      option("--message", "TEXT", "With --image: the comment in its history.");
  private final OptionSpec changeOption =
      repeatedOption(
          "--change",
          "INSTRUCTION",
          "With --image: a Dockerfile instruction, such as 'CMD [\"/bin/sh\"]'; may be repeated.");
  private final PositionalParamSpec nameParameter = parameter("NAME", "The read-write layer.");

  CommitCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Turn the changes in a read-write layer into a layer, or with --image into an image. The "
            + "read-write layer is not affected.",
        "Prints the layer's diff ID, its chain ID and its size in bytes.",
        "If $SOURCE_DATE_EPOCH is set (seconds since 1970), no entry of the layer is newer than "
            + "that, and it becomes the creation time of the image.");
  }

  @Override
  public Integer call() throws IOException {
    @Nullable String image = imageOption.getValue();
    if (image == null) {
      requireNoImageOptions();
    }
    @Nullable Instant latestTime = layerstore().latestTime();
    ImageReference reference = image == null ? null : ImageReference.parse(image);
    try (LayerStore store = layerstore().openToChange();
        RWLayer layer = store.getRWLayer(nameParameter.getValue())) {
      if (reference == null) {
        commit(layer, latestTime);
      } else {
        commit(store, layer, reference, latestTime);
      }
    }
    return 0;
  }

  private void requireNoImageOptions() {
    List<String> changes = changeOption.getValue();
    if (parentOption.getValue() != null
        || authorOption.getValue() != null
        || messageOption.getValue() != null
        || !changes.isEmpty()) {
      throw layerstore()
          .wrongUsage("--from, --author, --message and --change are for images; give --image too");
    }
  }

  private void commit(RWLayer layer, @Nullable Instant latestTime) throws IOException {
    CommitOptions options =
        CommitOptions.builder()
            .progress(layerstore().progressBar().listener())
            .latestTime(latestTime)
            .build();
    try (Layer committed = layer.commit(options)) {
      print(
          out -> out.line(Show.registered(committed)),
          out -> out.line(committed.chainId().toString()),
          json -> Show.layer(json, committed));
    }
  }

  private void commit(
      LayerStore store, RWLayer layer, ImageReference reference, @Nullable Instant latestTime)
      throws IOException {
    @Nullable String parent = parentOption.getValue();
    Image image =
        store
            .images()
            .commit(
                layer,
                CommitImageOptions.builder()
                    .reference(reference)
                    .parent(parent == null ? null : Target.image(store, parent).id())
                    .author(authorOption.getValue())
                    .comment(messageOption.getValue())
                    .created(latestTime)
                    .latestTime(latestTime)
                    .changes(changeOption.getValue())
                    .progress(layerstore().progressBar().listener())
                    .build());
    print(
        out -> out.line(image.id().toString()),
        json -> ShowImage.image(json, image, store.images().references().of(image.id())));
  }
}
