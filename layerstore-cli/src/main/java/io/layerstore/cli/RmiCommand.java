package io.layerstore.cli;

import io.layerstore.ChainId;
import io.layerstore.Image;
import io.layerstore.ImageId;
import io.layerstore.ImageInUseException;
import io.layerstore.ImageReference;
import io.layerstore.ImageStore;
import io.layerstore.LayerInfo;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** {@code rmi}: removes references, and images that have none left. */
final class RmiCommand extends Subcommand {
  private final OptionSpec forceOption =
      flag(
          "--force",
          "Delete an image even if other images were made from it, read-write layers are based "
              + "on it, or it has several references. Layers in use stay.");
  private final PositionalParamSpec imageParameters =
      remainingParameters("IMAGE", "References or IDs.");

  RmiCommand(Layerstore layerstore) {
    super(
        layerstore,
        "Remove references, and each image that has none left, with the layers that nothing uses "
            + "any more. An image that others were made from only loses its reference.",
        "Prints what was done: 'untagged REFERENCE', 'deleted IMAGE', 'deleted CHAIN'.");
    spec().usageMessage().customSynopsis("layerstore rmi [OPTIONS] IMAGE...");
  }

  /** What was removed so far. */
  private static final class Removed {
    final List<ImageReference> references = new ArrayList<>();
    final List<ImageId> images = new ArrayList<>();
    final List<LayerInfo> layers = new ArrayList<>();
  }

  @Override
  public Integer call() throws IOException {
    List<String> arguments = imageParameters.getValue();
    if (arguments.isEmpty()) {
      throw layerstore().wrongUsage("name at least one image");
    }
    Removed removed = new Removed();
    try (LayerStore store = layerstore().openToChange()) {
      try {
        for (String argument : arguments) {
          remove(store, argument, removed);
        }
      } finally {
        // Also if a later one fails: these are gone.
        if (!removed.references.isEmpty() || !removed.images.isEmpty()) {
          show(removed);
        }
      }
    }
    return 0;
  }

  private void remove(LayerStore store, String argument, Removed removed)
      throws LayerStoreException {
    ImageStore images = store.images();
    Image image = Target.image(store, argument);
    List<ImageReference> references = images.references().of(image.id());
    Optional<ImageReference> named = reference(argument).filter(references::contains);
    if (named.isPresent() && references.size() > 1) {
      untag(images, named.get(), removed);
      return;
    }
    try {
      List<ChainId> chain = chain(store, image);
      List<LayerInfo> layers = images.delete(image.id(), isGiven(forceOption));
      sayWhatOthersHold(store, chain);
      removed.references.addAll(references);
      removed.images.add(image.id());
      removed.layers.addAll(layers);
    } catch (ImageInUseException e) {
      if (named.isEmpty() || !e.rwLayers().isEmpty()) {
        throw e;
      }
      // As with docker: its name goes, and it stays as the ground of others.
      untag(images, named.get(), removed);
    }
  }

  /** What nothing in the store needs any more is expected to be gone. */
  private void sayWhatOthersHold(LayerStore store, List<ChainId> chain) {
    Map<ChainId, LayerInfo> layers = layers(store);
    chain.stream()
        .filter(layers::containsKey)
        .findFirst()
        .map(layers::get)
        .map(LayerInfo::usage)
        .filter(usage -> usage.references() == 0)
        .ifPresent(
            usage ->
                layerstore()
                    .console()
                    .complain(
                        "layers of it stay, because of "
                            + String.join(", ", usage.otherHolders())
                            + "; docker builder prune takes that back"));
  }

  /** The layers of an image, the top one first. */
  private static List<ChainId> chain(LayerStore store, Image image) {
    Map<ChainId, LayerInfo> layers = layers(store);
    List<ChainId> chain = new ArrayList<>();
    Optional<ChainId> next = image.topLayer();
    while (next.isPresent() && layers.containsKey(next.get())) {
      chain.add(next.get());
      next = layers.get(next.get()).parent();
    }
    return chain;
  }

  private static Map<ChainId, LayerInfo> layers(LayerStore store) {
    Map<ChainId, LayerInfo> layers = new HashMap<>();
    store.layers().forEach(layer -> layers.put(layer.chainId(), layer));
    return layers;
  }

  private static void untag(ImageStore images, ImageReference reference, Removed removed)
      throws LayerStoreException {
    images.references().remove(reference);
    removed.references.add(reference);
  }

  private static Optional<ImageReference> reference(String argument) {
    try {
      return Optional.of(ImageReference.parse(argument));
    } catch (IllegalArgumentException e) {
      return Optional.empty(); // It was the beginning of an ID.
    }
  }

  private void show(Removed removed) throws IOException {
    print(
        out -> {
          for (ImageReference reference : removed.references) {
            out.line("untagged " + reference);
          }
          for (ImageId image : removed.images) {
            out.line("deleted " + image);
          }
          for (LayerInfo layer : removed.layers) {
            out.line("deleted " + layer.chainId());
          }
        },
        out -> {
          Show.lines(out, removed.references);
          Show.lines(out, removed.images);
          Show.lines(out, removed.layers.stream().map(LayerInfo::chainId).toList());
        },
        json -> {
          Show.strings(json, "untagged", removed.references);
          Show.strings(json, "deletedImages", removed.images);
          Show.deleted(json, removed.layers);
        });
  }
}
