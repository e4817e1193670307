package io.layerstore.cli;

import io.layerstore.Image;
import io.layerstore.ImageId;
import io.layerstore.ImageReference;
import io.layerstore.ImageStore;
import io.layerstore.LayerStore;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;

/** {@code images}: lists the images. */
final class ImagesCommand extends Subcommand {
  ImagesCommand(Layerstore layerstore) {
    super(
        layerstore,
        "List images: one line for each reference, and one for each image without a reference.",
        "The size is that of all the image's layers together.");
  }

  @Override
  public Integer call() throws IOException {
    try (LayerStore store = layerstore().openToRead()) {
      ImageStore images = store.images();
      ToLongFunction<Image> sizes = ShowImage.sizes(store);
      Map<ImageId, List<ImageReference>> names = names(images);
      print(
          out -> {
            Table table = new Table("REFERENCE", "IMAGE", "CREATED", "SIZE");
            for (Image image : images.list()) {
              List<ImageReference> references = names.getOrDefault(image.id(), List.of());
              if (references.isEmpty()) {
                row(table, "<none>", image, sizes);
              }
              for (ImageReference reference : references) {
                row(table, reference.toString(), image, sizes);
              }
            }
            table.writeTo(out);
          },
          out -> Show.lines(out, images.list().stream().map(Image::id).toList()),
          json -> {
            json.writeArrayFieldStart("images");
            for (Image image : images.list()) {
              json.writeStartObject();
              ShowImage.image(json, image, names.getOrDefault(image.id(), List.of()));
              json.writeNumberField("sizeBytes", sizes.applyAsLong(image));
              json.writeEndObject();
            }
            json.writeEndArray();
          });
    }
    return 0;
  }

  /** All at one moment: for each image alone the store would look at the file again. */
  private static Map<ImageId, List<ImageReference>> names(ImageStore images) {
    Map<ImageId, List<ImageReference>> names = new HashMap<>();
    images
        .references()
        .list()
        .forEach((name, id) -> names.computeIfAbsent(id, key -> new ArrayList<>()).add(name));
    return names;
  }

  private static void row(Table table, String reference, Image image, ToLongFunction<Image> sizes) {
    table.row(
        reference,
        ShowImage.shortId(image.id()),
        image.config().created().map(Object::toString).orElse("-"),
        Show.size(sizes.applyAsLong(image)));
  }
}
