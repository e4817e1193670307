package io.layerstore.core.image;

import io.layerstore.ChainId;
import io.layerstore.ImageId;
import io.layerstore.RWLayerInfo;
import io.layerstore.core.docker.ContainerRecords;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * Which read-write layers are of an image.
 *
 * <p>Those that stand on its top layer, which other images may have too: where dockerd has noted
 * that one was made from another image that is there, it is of that one alone. And the containers
 * that dockerd has noted as made from it, with or without layers.
 */
final class ImageUsers {

  private final ImageTable table;
  private final ContainerRecords containers;

  ImageUsers(ImageTable table, ContainerRecords containers) {
    this.table = table;
    this.containers = containers;
  }

  /** The names of the read-write layers of each image that has any, sorted. */
  Map<ImageId, List<String>> of(List<RWLayerInfo> rwLayers) {
    Map<String, ImageId> noted = containers.images();
    Map<ImageId, TreeSet<String>> users = new HashMap<>();
    noted.forEach((name, image) -> users.computeIfAbsent(image, id -> new TreeSet<>()).add(name));
    for (RWLayerInfo layer : rwLayers) {
      ChainId top = layer.parent().orElse(null);
      ImageId ofContainer = noted.get(layer.name());
      boolean isKnown = ofContainer != null && table.find(ofContainer) != null;
      if (top != null && !isKnown) {
        for (ImageId image : table.withTopLayer(top)) {
          users.computeIfAbsent(image, id -> new TreeSet<>()).add(layer.name());
        }
      }
    }
    Map<ImageId, List<String>> sorted = new HashMap<>();
    users.forEach((image, names) -> sorted.put(image, List.copyOf(names)));
    return sorted;
  }
}
