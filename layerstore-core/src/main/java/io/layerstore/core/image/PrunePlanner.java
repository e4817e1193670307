package io.layerstore.core.image;

import io.layerstore.ChainId;
import io.layerstore.ImageId;
import io.layerstore.ImageReference;
import io.layerstore.LayerInfo;
import io.layerstore.PruneOptions;
import io.layerstore.PrunePlan;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Finds out what a prune would delete.
 *
 * <p>An image goes if the options allow it, no read-write layer stands on it, and everything that
 * was made from it goes too.
 */
final class PrunePlanner {

  private final ImageTable table;
  private final List<ImageNode> images;
  private final LayerUse use;
  private final Repositories names;
  private final boolean hasAllNames;
  private final PruneOptions options;

  PrunePlanner(
      ImageTable table,
      List<ImageNode> images,
      LayerUse use,
      Repositories names,
      boolean hasAllNames,
      PruneOptions options) {
    this.table = table;
    this.images = images;
    this.use = use;
    this.names = names;
    this.hasAllNames = hasAllNames;
    this.options = options;
  }

  PrunePlan plan() {
    Map<ImageId, ImageNode> going = going();
    List<ImageNode> staying =
        images.stream().filter(image -> !going.containsKey(image.id())).toList();
    List<LayerInfo> layers = layers(going, staying);
    List<ImageReference> references = new ArrayList<>();
    going.keySet().forEach(id -> references.addAll(names.of(id)));
    references.sort(null);
    return new PrunePlan(
        List.copyOf(going.keySet()),
        references,
        layers.stream().map(LayerInfo::chainId).toList(),
        DiskUsageReport.sum(layers, layer -> true),
        spared(going, staying));
  }

  /** The layers that only others than this store hold, by who does. */
  private List<String> spared(Map<ImageId, ImageNode> going, List<ImageNode> staying) {
    Set<ChainId> ofGoing = layersOf(going);
    Map<String, List<LayerInfo>> byHolder = new TreeMap<>();
    String above = "";
    for (LayerInfo layer : use.neededByOthers(staying)) {
      if (options.layers() || ofGoing.contains(layer.chainId())) {
        // Child before parent: one without a holder of its own is below one that has.
        above = layer.usage().otherHolders().stream().findFirst().orElse(above);
        byHolder.computeIfAbsent(above, holder -> new ArrayList<>()).add(layer);
      }
    }
    List<String> spared = new ArrayList<>();
    if (!hasAllNames && !options.allImages()) {
      spared.add(
          "images without a name stay: the file with the names could not be read; the store's"
              + " recovery report says more");
    }
    byHolder.forEach(
        (holder, layers) ->
            spared.add(
                "%s with %d bytes stay, because of %s%s"
                    .formatted(
                        layers.size() == 1 ? "1 layer" : layers.size() + " layers",
                        DiskUsageReport.sum(layers, layer -> true),
                        holder,
                        holder.startsWith("process ")
                            ? ""
                            : "; docker builder prune takes that back")));
    return spared;
  }

  /** The images that go, children before their parents. */
  private Map<ImageId, ImageNode> going() {
    Map<ImageId, ImageNode> going = new LinkedHashMap<>();
    int before = -1;
    while (going.size() != before) {
      before = going.size();
      for (ImageNode image : images) {
        if (!going.containsKey(image.id())
            && isAllowed(image)
            && going.keySet().containsAll(table.children(image.id()))) {
          going.put(image.id(), image);
        }
      }
    }
    return going;
  }

  private boolean isAllowed(ImageNode image) {
    Instant created = image.created();
    boolean isOld =
        options.createdBefore().isEmpty()
            || created == null
            || created.isBefore(options.createdBefore().get());
    return isOld
        && (options.allImages() || (hasAllNames && names.of(image.id()).isEmpty()))
        && use.rwLayersOn(image).isEmpty();
  }

  private List<LayerInfo> layers(Map<ImageId, ImageNode> going, List<ImageNode> staying) {
    List<LayerInfo> unneeded = use.unneeded(staying);
    // Layers of no image may be of one that cannot be read; it can be healed only as long as they
    // are there.
    if (options.layers() && !use.hasUnknown()) {
      return unneeded;
    }
    return release(unneeded, layersOf(going));
  }

  private Set<ChainId> layersOf(Map<ImageId, ImageNode> going) {
    Set<ChainId> layers = new HashSet<>();
    for (ImageNode image : going.values()) {
      use.chain(image).forEach(layer -> layers.add(layer.chainId()));
    }
    return layers;
  }

  /**
   * Of {@code unneeded}, what would go if the images went: a layer stays if one above it does that
   * no image had.
   */
  private static List<LayerInfo> release(List<LayerInfo> unneeded, Set<ChainId> ofGoing) {
    Set<ChainId> released = new HashSet<>();
    List<LayerInfo> layers = new ArrayList<>();
    for (LayerInfo layer : unneeded) {
      if (ofGoing.contains(layer.chainId()) && released.containsAll(layer.usage().children())) {
        released.add(layer.chainId());
        layers.add(layer);
      }
    }
    return layers;
  }
}
