package io.layerstore;

import java.io.InputStream;
import java.nio.file.FileSystem;
import java.nio.file.Path;

/**
 * Implements {@link LayerStore#open} and what else needs no open store; for implementations of the
 * store, not for applications. Found with {@link java.util.ServiceLoader}.
 *
 * <p>It is here and not in the package for drivers because {@code LayerStore.open} needs it, and
 * this package uses no other.
 */
public interface LayerStoreProvider {

  /** Opens a store as {@link LayerStore#open} describes. */
  LayerStore open(StoreOptions options) throws LayerStoreException;

  /**
   * Shows an image that is in no store, as {@link ImageSource#fileSystem(ViewOptions)} describes.
   */
  FileSystem fileSystem(ImageSource source, ViewOptions options) throws LayerStoreException;

  /** Shows an image of a registry, as {@link RemoteImage#fileSystem(ViewOptions)} describes. */
  FileSystem fileSystem(RemoteImage image, ViewOptions options) throws LayerStoreException;

  /** Saves an image of a registry, as {@link RemoteImage#save} describes. */
  void save(RemoteImage image, ImageTarget target) throws LayerStoreException;

  /** The archive of a layer made of files, as {@link LayerContent#open} describes. */
  InputStream archive(LayerContent content) throws LayerStoreException;

  /**
   * A name or the target of a link as bytes, with slashes between names, whatever file system it is
   * of and whatever charset this machine has.
   */
  ByteString bytes(Path path);
}
