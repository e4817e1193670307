package io.layerstore.core.image;

import io.layerstore.ChainId;
import io.layerstore.ImageId;
import io.layerstore.ImageReference;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerStoreException;
import io.layerstore.PrunePlan;
import io.layerstore.PruneReport;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes what a plan names and nothing refers to even now. What cannot be deleted does not keep
 * the rest from being deleted.
 *
 * <p>Things may have changed since the plan was made, and may change while it is carried out: each
 * image and layer is looked at again in the moment it is deleted, and what is needed by then is
 * spared. What the plan does not name stays, needed or not.
 */
@SuppressWarnings("try") // Handles are held by scope, not by name.
final class Pruning {

  private static final Logger log = LoggerFactory.getLogger(Pruning.class);

  private final LayerAccess access;
  private final ImageTable table;
  private final DefaultReferenceStore references;
  private final ImageDeletion deletion;
  private final ImageWriting writing;

  private final List<ImageId> images = new ArrayList<>();
  private final List<ImageReference> names = new ArrayList<>();
  private final List<LayerInfo> layers = new ArrayList<>();
  private final Set<ChainId> deleted = new HashSet<>();
  private final List<String> spared = new ArrayList<>();
  private final List<String> failed = new ArrayList<>();

  Pruning(
      LayerAccess access,
      ImageTable table,
      DefaultReferenceStore references,
      ImageDeletion deletion,
      ImageWriting writing) {
    this.access = access;
    this.table = table;
    this.references = references;
    this.deletion = deletion;
    this.writing = writing;
  }

  PruneReport prune(PrunePlan plan) {
    Set<ChainId> planned = new HashSet<>(plan.layers());
    spared.addAll(plan.spared());
    for (ImageId id : plan.images()) {
      try {
        pruneImage(id, new HashSet<>(plan.references()), planned);
      } catch (LayerStoreException e) {
        failed("image " + id, e);
      }
    }
    for (ChainId chainId : plan.layers()) {
      if (!deleted.contains(chainId)) {
        try {
          pruneLayer(chainId, planned);
        } catch (LayerStoreException e) {
          failed("layer " + chainId, e);
        }
      }
    }
    names.sort(null);
    long bytes = layers.stream().mapToLong(LayerInfo::diffSizeBytes).sum();
    return new PruneReport(images, names, layers, bytes, spared, failed);
  }

  private void pruneImage(ImageId id, Set<ImageReference> plannedNames, Set<ChainId> planned)
      throws LayerStoreException {
    Layer hold;
    Layer ground;
    try (ImageWriting.Change change = writing.begin()) {
      ImageNode node = table.find(id);
      if (node == null) {
        spared.add("image " + id + ": it is gone already");
        return;
      }
      String need = need(node, plannedNames);
      if (need != null) {
        spared.add("image " + id + ": " + need);
        return;
      }
      List<ImageReference> gone = references.current().of(id);
      ground = ground(node.topLayer(), planned);
      try {
        hold = deletion.remove(node);
      } catch (LayerStoreException e) {
        if (ground != null) {
          ground.close();
        }
        throw e;
      } finally {
        if (table.find(id) == null) {
          images.add(id);
        }
        gone.stream().filter(name -> references.current().find(name).isEmpty()).forEach(names::add);
      }
    }
    release(hold, ground);
  }

  /** Why an image is needed now, or null. */
  private @Nullable String need(ImageNode node, Set<ImageReference> plannedNames) {
    List<ImageReference> added =
        references.current().of(node.id()).stream()
            .filter(name -> !plannedNames.contains(name))
            .toList();
    if (!added.isEmpty()) {
      return "it has the new reference " + added.get(0);
    }
    List<ImageId> children = table.children(node.id());
    if (!children.isEmpty()) {
      return "image " + children.get(0) + " was made from it";
    }
    List<String> rwLayers = deletion.rwLayersOn(node);
    return rwLayers.isEmpty() ? null : "read-write layer " + rwLayers.get(0) + " stands on it";
  }

  private void pruneLayer(ChainId chainId, Set<ChainId> planned) throws LayerStoreException {
    Layer layer = access.retain(chainId);
    if (layer == null) {
      spared.add("layer " + chainId + ": it is gone already");
      return;
    }
    release(layer, ground(layer.parent().orElse(null), planned));
    if (!deleted.contains(chainId)) {
      spared.add("layer " + chainId + ": something needs it");
    }
  }

  private void release(@Nullable Layer layer, @Nullable Layer ground) throws LayerStoreException {
    // Held while those above it go, so that it does not go with them.
    try (Layer held = ground) {
      if (layer != null) {
        for (LayerInfo gone : access.layers().release(layer)) {
          layers.add(gone);
          deleted.add(gone.chainId());
        }
      }
    }
  }

  private void failed(String what, LayerStoreException failure) {
    log.warn("cannot prune {}", what, failure);
    failed.add(what + ": " + failure.getMessage());
  }

  /** A handle on the first layer from {@code top} down that the plan does not name, if any. */
  private @Nullable Layer ground(@Nullable ChainId top, Set<ChainId> planned)
      throws LayerStoreException {
    ChainId next = top;
    while (next != null && planned.contains(next)) {
      try (Layer layer = access.retain(next)) {
        next = layer == null ? null : layer.parent().orElse(null);
      }
    }
    return next == null ? null : access.retain(next);
  }
}
