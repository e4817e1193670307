package io.layerstore.core.image;

import io.layerstore.ByteString;
import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.Image;
import io.layerstore.ImageConfig;
import io.layerstore.ImageId;
import io.layerstore.ImageNotFoundException;
import io.layerstore.ImageStore;
import io.layerstore.Layer;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerStoreException;
import io.layerstore.RecoveryReport.Finding;
import io.layerstore.RecoveryReport.Kind;
import io.layerstore.core.image.ImageNode.Content;
import io.layerstore.core.image.config.ImageConfigReader;
import io.layerstore.driver.FileFailures;
import io.layerstore.driver.ManyLooks;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings images from disk into the table, and shows them.
 *
 * <p>What cannot be used is reported and left alone; everything else is restored, each image with a
 * handle on its top layer.
 */
final class ImageCatalog {

  private static final Logger log = LoggerFactory.getLogger(ImageCatalog.class);

  private final ImageStore store;
  private final LayerAccess access;
  private final ImageDb db;
  private final ImageTable table;
  private final Set<ImageId> reported = ConcurrentHashMap.newKeySet();

  /** {@code store} is what the images it shows are of. */
  ImageCatalog(ImageStore store, LayerAccess access, ImageDb db, ImageTable table) {
    this.store = store;
    this.access = access;
    this.db = db;
    this.table = table;
  }

  /**
   * Restores every image that is not in the table yet, and drops those that are gone from the disk
   * of a store that only reads.
   *
   * @return what could not be restored
   */
  List<Finding> restore() throws LayerStoreException {
    List<ImageId> ids;
    try {
      ids = db.ids();
    } catch (IOException e) {
      throw FileFailures.wrap("list the images of " + access.directory(), e);
    }
    List<Finding> findings = new ArrayList<>();
    for (Path obstacle : db.obstacles()) {
      findings.add(
          new Finding(
              Kind.DAMAGED_IMAGE,
              obstacle.toString(),
              "it is not a directory, so nothing in it can be found; it is moved aside when the"
                  + " directory is needed"));
    }
    for (Map.Entry<ImageId, String> problem : restore(ids).entrySet()) {
      // A store that only reads tries again at every look; once is enough to say.
      if (reported.add(problem.getKey())) {
        log.warn("image {}: {}", problem.getKey(), problem.getValue());
      }
      findings.add(
          new Finding(Kind.DAMAGED_IMAGE, problem.getKey().toString(), problem.getValue()));
    }
    if (access.isShared()) {
      table.all().forEach(node -> table.setParent(node, parentOf(node.id())));
    }
    if (access.options().readOnly() || access.isShared()) {
      Set<ImageId> present = new HashSet<>(ids);
      // Looked at once more: what this store has made since then is not in the list.
      table.all().stream()
          .filter(node -> !present.contains(node.id()) && !db.exists(node.id()))
          .forEach(table::remove);
    }
    return findings;
  }

  /** Restores those that are not there, several at a time; returns what is wrong with which. */
  private Map<ImageId, String> restore(List<ImageId> ids) {
    Map<ImageId, String> problems = new ConcurrentSkipListMap<>();
    Map<Link, ChainId> chains = new ConcurrentHashMap<>();
    ManyLooks.forEach(
        ids.stream().filter(id -> table.find(id) == null).toList(),
        id -> {
          String problem = restore(id, chains);
          if (problem != null) {
            problems.put(id, problem);
          }
        });
    return problems;
  }

  /** A layer on another one. */
  private record Link(@Nullable ChainId parent, DiffId diffId) {}

  /** Images share most of what they stand on, and each layer up is one hash more. */
  private static @Nullable ChainId topLayer(ImageConfig config, Map<Link, ChainId> chains) {
    @Nullable ChainId chain = null;
    for (DiffId diffId : config.diffIds()) {
      chain =
          chains.computeIfAbsent(
              new Link(chain, diffId), link -> ChainId.of(link.parent(), link.diffId()));
    }
    return chain;
  }

  /** Returns what is wrong with the image, or null. */
  private @Nullable String restore(ImageId id, Map<Link, ChainId> chains) {
    try {
      Content content = read(id);
      ImageConfigReader.requireSystem(content.config());
      ChainId top = topLayer(content.config(), chains);
      Layer hold = holdOrLookAgain(top);
      String problem = null;
      ImageId parent = null;
      try {
        parent = db.parent(id);
      } catch (IOException e) {
        problem = "it can be used, but what it was made from is not known: " + e.getMessage();
      }
      table.add(new ImageNode(id, sharing(content, top), top, hold, parent));
      return problem;
    } catch (NoSuchFileException e) {
      // Deleted since it was listed, which another process may do while this one only reads.
      return null;
    } catch (LayerNotFoundException e) {
      if ((access.options().readOnly() || access.isShared()) && !db.exists(id)) {
        return null; // Likewise: an image goes before its layers.
      }
      return "its top layer " + e.id() + " is missing or damaged; it is left alone";
    } catch (IOException e) {
      return e.getMessage() == null ? e.toString() : e.getMessage();
    }
  }

  /** A layer that came after the layers were listed is known after another look. */
  private @Nullable Layer holdOrLookAgain(@Nullable ChainId top) throws LayerStoreException {
    try {
      return hold(top);
    } catch (LayerNotFoundException e) {
      if (!access.options().readOnly()) {
        throw e;
      }
      access.refresh();
      return hold(top);
    }
  }

  /**
   * The images that are gone although {@code named}, or notes about them, are there; for a store
   * that nobody else changes.
   */
  List<Finding> missing(Collection<ImageId> named) throws LayerStoreException {
    Set<ImageId> expected = new TreeSet<>(named);
    try {
      expected.addAll(db.noted());
      db.ids().forEach(expected::remove);
    } catch (IOException e) {
      throw FileFailures.wrap("list the images of " + access.directory(), e);
    }
    return expected.stream()
        .map(
            id ->
                new Finding(
                    Kind.DAMAGED_IMAGE,
                    id.toString(),
                    "its configuration is gone, though "
                        + (named.contains(id) ? "it has a name" : "something is noted about it")))
        .toList();
  }

  /** What is noted on disk; a note that cannot be read costs the image nothing else. */
  @Nullable ImageId parentOf(ImageId id) {
    try {
      return db.parent(id);
    } catch (IOException e) {
      log.warn("the parent of image {} is not known: {}", id, e.getMessage());
      return null;
    }
  }

  /** A handle that keeps the top layer of an image until others can see the image. */
  @Nullable Layer guard(ImageConfig config) throws LayerStoreException {
    ChainId top = ChainId.of(config.diffIds()).orElse(null);
    if (top == null) {
      return null;
    }
    Layer layer = access.retain(top);
    if (layer == null) {
      throw new LayerNotFoundException(top.toString());
    }
    return layer;
  }

  /**
   * The handle that an image has on its top layer.
   *
   * @return null if there are no layers, or nothing to hold on to in a store that only reads
   * @throws LayerNotFoundException if it is not in the store
   */
  @Nullable Layer hold(ImageConfig config) throws LayerStoreException {
    return hold(ChainId.of(config.diffIds()).orElse(null));
  }

  private @Nullable Layer hold(@Nullable ChainId top) throws LayerStoreException {
    if (top == null) {
      return null;
    }
    Layer layer = access.holdForImage(top);
    if (layer == null) {
      throw new LayerNotFoundException(top.toString());
    }
    if (access.options().readOnly()) {
      layer.close();
      return null;
    }
    return layer;
  }

  /**
   * The same with the diff IDs that the layers have: those of a thousand images of a hundred layers
   * would take more memory than all else together.
   */
  private Content sharing(Content content, @Nullable ChainId top) {
    ImageConfig config = content.config();
    List<DiffId> known = top == null ? List.of() : access.diffIds(top);
    if (!known.equals(config.diffIds())) {
      return content;
    }
    return new Content(
        content.bytes(),
        new ImageConfig(
            config.architecture(),
            config.os(),
            config.variant(),
            config.created(),
            config.author(),
            config.run(),
            known,
            config.history()));
  }

  private Content read(ImageId id) throws IOException {
    byte[] bytes = db.config(id);
    return new Content(ByteString.of(bytes), ImageConfigReader.read(bytes));
  }

  /**
   * The image as it is now.
   *
   * @throws ImageNotFoundException if it went
   * @throws LayerStoreException if its configuration had to be read again and cannot be
   */
  Image image(ImageNode node) throws LayerStoreException {
    Content content = content(node);
    return new Image(
            node.id(), content.bytes(), content.config(), Optional.ofNullable(table.parent(node)))
        .in(store);
  }

  /** The configuration of an image, from memory or from disk. */
  Content content(ImageNode node) throws LayerStoreException {
    Content content = node.content();
    if (content == null) {
      try {
        content = sharing(read(node.id()), node.topLayer());
      } catch (NoSuchFileException e) {
        throw new ImageNotFoundException(node.id().toString());
      } catch (IOException e) {
        throw FileFailures.wrap("read image " + node.id(), e);
      }
      node.keep(content);
    }
    return content;
  }

  /** All images that can be shown, sorted. */
  List<Image> images(List<ImageNode> nodes) {
    List<Image> images = new ArrayList<>(nodes.size());
    for (ImageNode node : nodes) {
      try {
        images.add(image(node));
      } catch (LayerStoreException e) {
        log.warn("leaving out image {}", node.id(), e);
      }
    }
    return images;
  }

  /**
   * The images on disk that are not restored, each with its layers, bottom first; nothing in place
   * of the layers if they cannot be told.
   */
  Map<ImageId, Optional<List<DiffId>>> unrestored() throws LayerStoreException {
    Map<ImageId, Optional<List<DiffId>>> unrestored = new TreeMap<>();
    try {
      for (ImageId id : db.ids()) {
        if (table.find(id) == null) {
          unrestored.put(id, diffIds(id));
        }
      }
    } catch (IOException e) {
      throw FileFailures.wrap("list the images of " + access.directory(), e);
    }
    return unrestored;
  }

  private Optional<List<DiffId>> diffIds(ImageId id) {
    try {
      return Optional.of(read(id).config().diffIds());
    } catch (IOException e) {
      log.debug("the layers of image {} are not known: {}", id, e.getMessage());
      return Optional.empty();
    }
  }

  /** Says that what is shown may be old. */
  void logStale(LayerStoreException failure) {
    log.warn("cannot refresh {}; showing what was known before", access.directory(), failure);
  }
}
