package io.layerstore.cli;

import io.layerstore.Image;
import io.layerstore.ImageReference;
import io.layerstore.LayerStore;
import java.io.IOException;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code tag}: gives an image one more name. */
final class TagCommand extends Subcommand {
  private final PositionalParamSpec imageParameter = parameter("IMAGE", "A reference or an ID.");
  private final PositionalParamSpec referenceParameter =
      parameter("REFERENCE", "The new name, such as example.com/team/tool:1.0.");

  TagCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Give an image a reference. A reference that named another image is moved, as Docker "
            + "does.");
  }

  @Override
  public Integer call() throws IOException {
    ImageReference reference = ImageReference.parse(referenceParameter.getValue());
    try (LayerStore store = layerstore().openToChange()) {
      Image image = Target.image(store, imageParameter.getValue());
      store.images().references().addTag(reference, image.id(), true);
      print(
          out -> {},
          json -> {
            json.writeStringField("reference", reference.toString());
            json.writeStringField("id", image.id().toString());
          });
    }
    return 0;
  }
}
