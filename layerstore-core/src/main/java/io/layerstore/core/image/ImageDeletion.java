package io.layerstore.core.image;

import io.layerstore.ChainId;
import io.layerstore.ImageId;
import io.layerstore.ImageInUseException;
import io.layerstore.ImageNotFoundException;
import io.layerstore.ImageReference;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerStoreException;
import io.layerstore.driver.FileFailures;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes images.
 *
 * <p>In this order, so that a crash in between leaves an image with less to it, and never a name
 * without an image or an image without layers: the references, the notes of those made from it, its
 * own notes, its configuration, the layers that nothing else holds.
 */
@SuppressWarnings("try") // Changes and handles are held by scope, not by name.
final class ImageDeletion {

  private static final Logger log = LoggerFactory.getLogger(ImageDeletion.class);

  private final LayerAccess access;
  private final ImageDb db;
  private final ManifestDirectory manifests;
  private final ImageTable table;
  private final DefaultReferenceStore references;
  private final ImageUsers users;
  private final ImageWriting writing;

  ImageDeletion(
      LayerAccess access,
      ImageDb db,
      ManifestDirectory manifests,
      ImageTable table,
      DefaultReferenceStore references,
      ImageUsers users,
      ImageWriting writing) {
    this.access = access;
    this.db = db;
    this.manifests = manifests;
    this.table = table;
    this.references = references;
    this.users = users;
    this.writing = writing;
  }

  /** Deletes an image; without {@code force} only one that nothing needs. */
  List<LayerInfo> delete(ImageId id, boolean force) throws LayerStoreException {
    Layer hold;
    try (ImageWriting.Change change = writing.begin()) {
      ImageNode node = table.find(id);
      if (node == null) {
        throw new ImageNotFoundException(id.toString());
      }
      if (!force) {
        requireUnused(node);
      }
      hold = remove(node);
    }
    return hold == null ? List.of() : access.layers().release(hold);
  }

  private void requireUnused(ImageNode node) throws ImageInUseException {
    List<String> rwLayers = rwLayersOn(node);
    List<ImageId> children = table.children(node.id());
    List<ImageReference> names = references.current().of(node.id());
    boolean isSingle = isSingle(names);
    if (!rwLayers.isEmpty() || !children.isEmpty() || !isSingle) {
      throw new ImageInUseException(
          node.id().toString(),
          rwLayers,
          children,
          isSingle ? List.of() : names.stream().map(ImageReference::toString).toList());
    }
  }

  /**
   * Whether the references are one, as Docker counts: one tag with the digests of the same
   * repository, or digests of one repository.
   */
  private static boolean isSingle(List<ImageReference> names) {
    Set<String> repositories = new TreeSet<>();
    names.forEach(name -> repositories.add(name.canonicalRepository()));
    long tags = names.stream().filter(name -> name.tag().isPresent()).count();
    return tags <= 1 && repositories.size() <= 1;
  }

  /** The names of the read-write layers of the image. */
  List<String> rwLayersOn(ImageNode node) {
    return users.of(access.layers().rwLayers()).getOrDefault(node.id(), List.of());
  }

  /**
   * Removes an image from disk and from the table; the caller holds the lock, and gives back what
   * this returns.
   *
   * <p>After a failure everything is as it was, or the image is gone and its layers are left.
   *
   * @return a handle on its top layer, if it had any
   */
  @Nullable Layer remove(ImageNode node) throws LayerStoreException {
    ChainId top = node.hold() == null ? null : node.topLayer();
    Layer hold = top == null ? null : access.retain(top);
    try {
      removeHeld(node);
      return hold;
    } catch (LayerStoreException | RuntimeException | Error e) {
      if (hold != null) {
        hold.close();
      }
      throw e;
    }
  }

  private void removeHeld(ImageNode node) throws LayerStoreException {
    ImageId id = node.id();
    Repositories names = references.current();
    List<ImageId> orphans = new ArrayList<>();
    if (!names.of(id).isEmpty()) {
      references.write(names.without(names.of(id)));
    }
    try {
      for (ImageId child : table.children(id)) {
        db.deleteParent(child);
        orphans.add(child);
      }
      db.delete(id);
    } catch (IOException e) {
      if (db.exists(id)) {
        takeBack(node, names, orphans, e);
      } else {
        forget(node, orphans);
      }
      throw FileFailures.wrap("delete image " + id, e);
    }
    forget(node, orphans);
    manifests.delete(id);
    log.info("deleted image {}", id);
  }

  private void forget(ImageNode node, List<ImageId> orphans) {
    for (ImageId child : orphans) {
      ImageNode orphan = table.find(child);
      if (orphan != null) {
        table.setParent(orphan, null);
      }
    }
    table.remove(node);
  }

  private void takeBack(
      ImageNode node, Repositories names, List<ImageId> orphans, IOException failure) {
    try {
      ImageId parent = table.parent(node);
      if (parent != null) {
        db.writeParent(node.id(), parent);
      }
      for (ImageId child : orphans) {
        db.writeParent(child, node.id());
      }
      if (references.current() != names) {
        references.write(names);
      }
    } catch (IOException e) {
      failure.addSuppressed(e);
    }
  }
}
