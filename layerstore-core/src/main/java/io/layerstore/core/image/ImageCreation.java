package io.layerstore.core.image;

import io.layerstore.ByteString;
import io.layerstore.ImageConfig;
import io.layerstore.ImageId;
import io.layerstore.ImageNotFoundException;
import io.layerstore.Layer;
import io.layerstore.LayerStoreException;
import io.layerstore.core.image.ImageNode.Content;
import io.layerstore.core.image.config.ImageConfigReader;
import io.layerstore.driver.Closing;
import io.layerstore.driver.FileFailures;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Adds images whose layers are in the store.
 *
 * <p>In this order, so that a crash in between leaves an image without its note, and never one
 * without layers: a handle on the top layer, the configuration, the note of its parent.
 */
@SuppressWarnings("try") // Changes and handles are held by scope, not by name.
final class ImageCreation {

  /**
   * An image that is in the store.
   *
   * @param node the image
   * @param isNew whether it was added just now
   */
  record Created(ImageNode node, boolean isNew) {}

  private static final Logger log = LoggerFactory.getLogger(ImageCreation.class);

  private final ImageDb db;
  private final ImageTable table;
  private final ImageCatalog catalog;
  private final ImageWriting writing;

  ImageCreation(ImageDb db, ImageTable table, ImageCatalog catalog, ImageWriting writing) {
    this.db = db;
    this.table = table;
    this.catalog = catalog;
    this.writing = writing;
  }

  /**
   * Adds the image with this configuration, or finds that it is there.
   *
   * @param parent what it was made from, or null; not noted if the image was there
   * @throws ImageNotFoundException if there is a parent and it is not in the store
   */
  Created create(byte[] bytes, @Nullable ImageId parent) throws LayerStoreException {
    ImageConfig config = ImageConfigReader.read(bytes);
    ImageConfigReader.requireOs(config);
    ImageId id = ImageId.of(bytes);
    // The guard goes after the change has been announced.
    try (Layer guard = catalog.guard(config);
        ImageWriting.Change change = writing.begin()) {
      ImageNode present = table.find(id);
      if (present != null) {
        return new Created(present, false);
      }
      if (parent != null) {
        require(parent);
      }
      ImageNode node = write(id, bytes, config, parent);
      log.info("added image {}", id);
      return new Created(node, true);
    }
  }

  private ImageNode write(ImageId id, byte[] bytes, ImageConfig config, @Nullable ImageId parent)
      throws LayerStoreException {
    Layer hold = catalog.hold(config);
    ImageId known;
    try {
      known = write(id, bytes, parent);
    } catch (LayerStoreException e) {
      if (hold != null) {
        hold.close();
      }
      throw e;
    }
    return table.add(new ImageNode(id, new Content(ByteString.of(bytes), config), hold, known));
  }

  /** Returns the parent that is noted on disk now. */
  private @Nullable ImageId write(ImageId id, byte[] bytes, @Nullable ImageId parent)
      throws LayerStoreException {
    // An image whose layers were missing when the store was opened is there already, notes and all.
    boolean isThere = db.isSound(id);
    try {
      if (!isThere) {
        db.writeConfig(id, bytes);
        db.deleteParent(id);
      }
      if (parent != null) {
        db.writeParent(id, parent);
      }
      return parent != null || !isThere ? parent : catalog.parentOf(id);
    } catch (IOException e) {
      if (!isThere) {
        takeBack(id, e);
      }
      throw FileFailures.wrap("write image " + id, e);
    }
  }

  private void takeBack(ImageId id, IOException failure) {
    Closing.after(failure, () -> db.delete(id));
  }

  /** Notes from which image another was made. */
  void setParent(ImageId id, ImageId parent) throws LayerStoreException {
    try (ImageWriting.Change change = writing.begin()) {
      ImageNode node = require(id);
      require(parent);
      if (table.isSelfOrAncestor(id, parent)) {
        throw new IllegalArgumentException(
            "image " + id + " cannot be made from " + parent + ", which was made from it");
      }
      try {
        db.writeParent(id, parent);
      } catch (IOException e) {
        throw FileFailures.wrap("note the parent of image " + id, e);
      }
      table.setParent(node, parent);
    }
  }

  private ImageNode require(ImageId id) throws ImageNotFoundException {
    ImageNode node = table.find(id);
    if (node == null) {
      throw new ImageNotFoundException(id.toString());
    }
    return node;
  }
}
