package io.layerstore.core.image.archive;

import io.layerstore.ChainId;
import io.layerstore.Image;
import io.layerstore.ImageConfig.HistoryEntry;
import io.layerstore.ImageId;
import io.layerstore.ImageNotFoundException;
import io.layerstore.ImageReference;
import io.layerstore.LayerStoreException;
import io.layerstore.LoadReport;
import io.layerstore.LoadReport.LoadedImage;
import io.layerstore.core.layer.LayerBatch;
import io.layerstore.driver.Closing;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The last step of a load: layers, images, parents and names appear, all of them or none.
 *
 * <p>The names come last and in one step, so that nothing is ever to be written in order to take
 * something back: that can be done on a full disk, and without descriptors.
 */
final class ImagePublication {

  private final ImageArchives.Host host;
  private final LayerBatch batch;
  private final Deque<Step> undo = new ArrayDeque<>();
  private final List<ImageId> created = new ArrayList<>();
  private final List<String> notes = new ArrayList<>();

  /** Takes something back. */
  @FunctionalInterface
  private interface Step {
    void run() throws IOException;
  }

  ImagePublication(ImageArchives.Host host, LayerBatch batch) {
    this.host = host;
    this.batch = batch;
  }

  LoadReport publish(Contents contents) throws LayerStoreException {
    notes.addAll(contents.notes());
    batch.refusals().forEach((chainId, refusal) -> notes.add("layer " + chainId + ": " + refusal));
    Set<ChainId> added = batch.publish();
    undo.push(batch::withdraw);
    try {
      undo.push(this::deleteCreated);
      for (ArchivedImage image : contents.images()) {
        create(image);
        Closeable kept = host.keep(image.id(), image.manifests());
        undo.push(kept::close);
      }
      linkParents(contents.images());
      Map<ImageReference, ImageId> named = contents.names();
      host.tagLoaded(named)
          .forEach(
              (name, before) ->
                  notes.add(
                      "the tag "
                          + name
                          + " named "
                          + before
                          + " before; it was moved to "
                          + named.get(name)));
      return report(contents.images(), named, added);
    } catch (LayerStoreException | RuntimeException | Error e) {
      takeBack(e);
      throw e;
    }
  }

  private void create(ArchivedImage image) throws LayerStoreException {
    boolean isNew = find(image.id()) == null;
    host.images().create(image.configBytes().toByteArray());
    if (isNew) {
      created.add(image.id());
    }
  }

  /** Children before their parents, of which nothing is to be noted then. */
  private void deleteCreated() throws LayerStoreException {
    LayerStoreException failure = null;
    while (!created.isEmpty()) {
      ImageId next = created.get(created.size() - 1);
      for (ImageId id : created) {
        if (host.images().children(id).isEmpty()) {
          next = id;
        }
      }
      created.remove(next);
      try {
        host.images().delete(next, true);
      } catch (LayerStoreException e) {
        if (failure != null) {
          e.addSuppressed(failure);
        }
        failure = e;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  private @Nullable Image find(ImageId id) throws LayerStoreException {
    try {
      return host.images().get(id);
    } catch (ImageNotFoundException e) {
      return null;
    }
  }

  /** As Docker does: a parent counts if it is in the same archive and the histories fit. */
  private void linkParents(List<ArchivedImage> images) throws LayerStoreException {
    Map<ImageId, ArchivedImage> byId = new HashMap<>();
    images.forEach(image -> byId.put(image.id(), image));
    for (ArchivedImage image : images) {
      ImageId parentId = image.parent();
      if (parentId == null || parentId.equals(image.id())) {
        continue;
      }
      ArchivedImage parent = byId.get(parentId);
      if (parent == null) {
        notes.add(
            "the parent "
                + parentId
                + " of "
                + image.id()
                + " is not in the archive; it was not noted");
      } else if (!fits(image.config().history(), parent.config().history())) {
        notes.add(
            "image "
                + parentId
                + " is not a valid parent for "
                + image.id()
                + ", whose history is not one step longer; it was not noted");
      } else {
        Image present = find(image.id());
        if (present != null && !present.parent().equals(Optional.ofNullable(parentId))) {
          ImageId before = present.parent().orElse(null);
          host.images().setParent(image.id(), parentId);
          if (before != null) {
            undo.push(() -> host.images().setParent(image.id(), before));
          }
        }
      }
    }
  }

  /** Whether a history is another one with one step more; or neither image has one. */
  private static boolean fits(List<HistoryEntry> child, List<HistoryEntry> parent) {
    if (child.isEmpty() && parent.isEmpty()) {
      return true;
    }
    return child.size() == parent.size() + 1 && child.subList(0, parent.size()).equals(parent);
  }

  private LoadReport report(
      List<ArchivedImage> images, Map<ImageReference, ImageId> named, Set<ChainId> added) {
    List<LoadedImage> loaded = new ArrayList<>();
    for (ArchivedImage image : images) {
      List<ChainId> newLayers = new ArrayList<>();
      ChainId chainId = null;
      for (ArchivedLayer layer : image.layers()) {
        chainId = ChainId.of(chainId, layer.diffId());
        if (added.contains(chainId)) {
          newLayers.add(chainId);
        }
      }
      Set<ImageReference> references = new LinkedHashSet<>(image.references());
      references.removeIf(reference -> !image.id().equals(named.get(reference)));
      loaded.add(new LoadedImage(image.id(), List.copyOf(references), newLayers));
    }
    return new LoadReport(loaded, notes);
  }

  /** Takes back what was done, last first; what fails is added to {@code failure}. */
  private void takeBack(Throwable failure) {
    for (Step step : undo) {
      Closing.after(failure, step::run);
    }
  }
}
