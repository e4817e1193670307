package io.layerstore.cli;

import io.layerstore.ChainId;
import io.layerstore.Image;
import io.layerstore.ImageId;
import io.layerstore.ImageReference;
import io.layerstore.LayerInfo;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.RWLayerInfo;
import io.layerstore.StoreUser;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code explain}: why something is kept. */
final class ExplainCommand extends Subcommand {
  private final PositionalParamSpec idParameter =
      parameter("ID", "An image, a layer or a read-write layer.");

  ExplainCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Show why an image, a layer or a read-write layer is kept: names, images and layers on it,"
            + " mounts, and the processes that hold it.");
  }

  /**
   * What was asked about.
   *
   * @param id what it is called
   * @param reasons why it is kept, each in a few words
   */
  private record Explained(String id, List<String> reasons) {}

  @Override
  public Integer call() throws IOException {
    try (LayerStore store = layerstore().openToRead()) {
      Explained explained = explain(store, idParameter.getValue());
      print(
          out -> {
            out.line(explained.id());
            if (explained.reasons().isEmpty()) {
              out.line("  nothing keeps it: prune or release deletes it");
            }
            for (String reason : explained.reasons()) {
              out.line("  " + reason);
            }
          },
          json -> {
            json.writeStringField("id", explained.id());
            Show.strings(json, "reasons", explained.reasons());
          });
    }
    return 0;
  }

  private static Explained explain(LayerStore store, String argument) throws LayerStoreException {
    if (Target.isReadWrite(store, argument)) {
      return readWrite(store, argument);
    }
    Optional<Image> image = Target.findImage(store, argument);
    return image.isPresent()
        ? image(store, image.get())
        : layer(store, Target.layer(store, argument));
  }

  private static Explained readWrite(LayerStore store, String name) throws LayerStoreException {
    List<String> reasons = new ArrayList<>();
    reasons.add("a read-write layer stays until it is removed (rm)");
    if (!Target.isReadWrite(store, name)) {
      throw new LayerStoreException("read-write layer " + name + " is gone");
    }
    holders(store, "read-write layer " + name, "open in ", reasons);
    holders(store, "mount of read-write layer " + name, "mounted by ", reasons);
    return new Explained("read-write layer " + name, reasons);
  }

  private static Explained image(LayerStore store, Image image) throws LayerStoreException {
    List<String> reasons = new ArrayList<>();
    for (ImageReference name : store.images().references().of(image.id())) {
      reasons.add("has the name " + name);
    }
    for (Image child : store.images().children(image.id())) {
      reasons.add("image " + child.id() + " was made from it");
    }
    for (RWLayerInfo layer : store.rwLayers()) {
      if (layer.parent().isPresent() && layer.parent().equals(image.topLayer())) {
        reasons.add("read-write layer " + layer.name() + " stands on it");
      }
    }
    return new Explained("image " + image.id(), reasons);
  }

  private static Explained layer(LayerStore store, ChainId chainId) throws LayerStoreException {
    List<String> reasons = new ArrayList<>();
    LayerInfo info =
        store.layers().stream()
            .filter(layer -> layer.chainId().equals(chainId))
            .findFirst()
            .orElseThrow(() -> new LayerStoreException("layer " + chainId + " is gone"));
    for (Image image : store.images().list()) {
      if (image.topLayer().filter(chainId::equals).isPresent()) {
        reasons.add("top layer of image " + named(store, image.id()));
      }
    }
    info.usage().children().forEach(child -> reasons.add("layer " + child + " stands on it"));
    info.usage()
        .rwLayers()
        .forEach(name -> reasons.add("read-write layer " + name + " stands on it"));
    info.usage().otherHolders().forEach(holder -> reasons.add("held by " + holder));
    holders(store, "layer " + chainId, "held by ", reasons);
    holders(store, "mount of layer " + chainId, "mounted by ", reasons);
    return new Explained("layer " + chainId, reasons);
  }

  private static String named(LayerStore store, ImageId id) {
    List<ImageReference> names = store.images().references().of(id);
    return id + (names.isEmpty() ? "" : " (" + names.get(0) + ")");
  }

  private static void holders(LayerStore store, String what, String how, List<String> reasons)
      throws LayerStoreException {
    for (StoreUser user : store.users()) {
      if (!user.isThisStore() && user.holds().contains(what)) {
        reasons.add(how + user.describe());
      }
    }
  }
}
