package io.layerstore.image;

import io.layerstore.LayerMetadata;
import io.layerstore.LayerSource;
import io.layerstore.LayerStoreException;
import io.layerstore.RWLayer;
import io.layerstore.RecoveryReport;
import java.util.List;

/**
 * The images of a layer store, kept as Docker keeps them: {@code imagedb}, {@code
 * repositories.json} and {@code distribution} beside the layer database. Got from {@code
 * LayerStore.images()}.
 *
 * <p>An image is a configuration that names its layers. The store holds the top layer of every
 * image, so that its layers stay until the image is deleted. Images come in through {@link #load},
 * {@link #importRootFs}, {@link #commit} or {@link #create}, and go out through {@link #save}.
 *
 * <p>Safe for use by many threads. One bad image never keeps the others from being used: it is
 * reported and left alone.
 */
public interface ImageStore {

  /**
   * Adds an image whose layers are in the store; one that exists is returned as it is.
   *
   * @param config the configuration, kept verbatim
   * @throws io.layerstore.LayerNotFoundException if a layer is missing; nothing is added
   * @throws InvalidImageException if the configuration is no image configuration; nothing is added
   */
  Image create(byte[] config) throws LayerStoreException;

  /**
   * An image.
   *
   * @throws ImageNotFoundException if there is none of that id
   */
  Image get(ImageId id) throws LayerStoreException;

  /**
   * The image that {@code text} means: a reference, or the beginning of an id, with or without
   * {@code sha256:}. A reference wins over an id.
   *
   * @throws ImageNotFoundException if there is none
   * @throws io.layerstore.AmbiguousIdException if the beginning fits several ids
   */
  Image resolve(String text) throws LayerStoreException;

  /** All images at this moment, sorted by id. */
  List<Image> list();

  /** The images whose parent is {@code id}, sorted by id. */
  List<Image> children(ImageId id) throws LayerStoreException;

  /**
   * Notes from which image another was made.
   *
   * @throws ImageNotFoundException if one of them is missing
   */
  void setParent(ImageId id, ImageId parent) throws LayerStoreException;

  /**
   * Deletes an image with its references, and the layers nothing else holds.
   *
   * @param force whether to delete it although images were made from it or it has several
   *     references; read-write layers are never left without ground: their layers stay
   * @return the layers that were deleted, child before parent
   * @throws ImageInUseException if something needs it and {@code force} is not set; nothing is
   *     deleted
   */
  List<LayerMetadata> delete(ImageId id, boolean force) throws LayerStoreException;

  /** The names of images. */
  ReferenceStore references();

  /** What is known about compressed forms of layers in registries. */
  DistributionMetadata distribution();

  /**
   * Adds the images of an archive: docker-archive (with or without manifest), OCI layout, as a
   * directory or a tar, compressed as a whole or layer by layer.
   *
   * <p>Nothing is published before the layers are what the configurations say. After a failure no
   * new layer, image or reference remains.
   *
   * @throws InvalidImageException if it is no image archive or contradicts itself
   */
  LoadReport load(ImageSource source, LoadOptions options) throws LayerStoreException;

  /**
   * Writes images as one archive or directory; layers that several share once. The same images and
   * options give the same bytes.
   *
   * @param images references or ids, as {@link #resolve} takes them; a repository without tag means
   *     all its tags
   */
  void save(List<String> images, ImageTarget target, SaveOptions options)
      throws LayerStoreException;

  /**
   * Makes an image of one layer from the archive of a root file system, as {@code docker import}
   * does.
   */
  Image importRootFs(LayerSource rootFs, ImportOptions options) throws LayerStoreException;

  /** Makes an image from the changes of a read-write layer, as {@code docker commit} does. */
  Image commit(RWLayer rwLayer, CommitImageOptions options) throws LayerStoreException;

  /** How much room images and layers take. */
  DiskUsage diskUsage() throws LayerStoreException;

  /** What {@link #prune} would delete. */
  PrunePlan planPrune(PruneOptions options) throws LayerStoreException;

  /** Deletes what {@code plan} names and nothing refers to even now. */
  PruneReport prune(PrunePlan plan) throws LayerStoreException;

  /** The images that could not be used when the store was opened, and why. */
  RecoveryReport recoveryReport();
}
