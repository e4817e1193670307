package io.layerstore;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The names of images: Docker's {@code repositories.json}.
 *
 * <p>Every change is on disk when the call returns; a failed one changes nothing. Safe for use by
 * many threads. Mirrors {@code reference.Store} of moby.
 */
public interface ReferenceStore {

  /** All references at this moment, sorted, with the images they name. */
  Map<ImageReference, ImageId> list();

  /** The references that name an image, sorted. */
  List<ImageReference> of(ImageId id);

  /** The image a reference names; a reference without tag and digest means {@code latest}. */
  Optional<ImageId> find(ImageReference reference);

  /**
   * Makes a tag name an image.
   *
   * @param force whether a tag that names another image is moved
   * @throws NameConflictException if the tag names another image and {@code force} is not set
   * @throws IllegalArgumentException if the reference has a digest
   * @throws ImageNotFoundException if there is no such image
   */
  void addTag(ImageReference reference, ImageId id, boolean force) throws LayerStoreException;

  /**
   * Makes a repository's manifest digest name an image.
   *
   * @throws NameConflictException if it names another image: unlike a tag, a digest never moves
   * @throws ImageNotFoundException if there is no such image
   */
  void addDigest(ImageReference repository, Digest digest, ImageId id) throws LayerStoreException;

  /**
   * Removes a reference.
   *
   * @return whether there was one
   */
  boolean remove(ImageReference reference) throws LayerStoreException;
}
