package io.layerstore.core.image.archive;

import io.layerstore.Digest;
import io.layerstore.ImageId;
import io.layerstore.ImageManifest;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.ImageStore;
import io.layerstore.ImageTarget;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LoadOptions;
import io.layerstore.LoadReport;
import io.layerstore.PullOptions;
import io.layerstore.PushOptions;
import io.layerstore.PushReport;
import io.layerstore.SaveOptions;
import io.layerstore.SaveReport;
import io.layerstore.StoreOptions;
import io.layerstore.core.image.download.PartialBlobs;
import io.layerstore.core.layer.ArchiveLayers;
import java.io.Closeable;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;

/**
 * Reads and writes the images of one store: archives, and what registries have. Safe for use by
 * many threads.
 */
public final class ImageArchives {

  /** What archives are read into and written from. */
  public interface Host {

    /** The layer store. */
    LayerStore layers();

    /** The image store. */
    ImageStore images();

    /** How the store was opened. */
    StoreOptions options();

    /** What runs concurrent stages. */
    Executor executor();

    /**
     * Keeps the documents that an image of the store came with, the newest last.
     *
     * @return what takes it back
     */
    Closeable keep(ImageId id, List<ImageManifest> documents) throws LayerStoreException;

    /** The image that came with a manifest of this digest. */
    Optional<ImageId> findByManifest(Digest digest);

    /**
     * Makes tags name images, whatever they named before, all of them or none. Unlike {@code
     * addTag} it leaves the times of the images' last tagging alone, as {@code docker load} does.
     *
     * @return what those that named another image named
     */
    Map<ImageReference, ImageId> tagLoaded(Map<ImageReference, ImageId> tags)
        throws LayerStoreException;
  }

  private final ArchiveLayers layers;
  private final Host host;
  private final PartialBlobs partials;

  /**
   * For the layers and images of one store.
   *
   * @param partials where to keep what has come of blobs
   */
  public ImageArchives(ArchiveLayers layers, Host host, PartialBlobs partials) {
    this.layers = layers;
    this.host = host;
    this.partials = partials;
  }

  /** Does what {@link ImageStore#load} says; the store is writable. */
  public LoadReport load(ImageSource source, LoadOptions options) throws LayerStoreException {
    return ImageLoad.load(layers, host, source, options);
  }

  /** Does what {@link ImageStore#pull} says; the store is writable. */
  public LoadReport pull(ImageReference reference, PullOptions options) throws LayerStoreException {
    return ImagePull.pull(layers, host, partials, reference, options);
  }

  /** Does what {@link ImageStore#push} says. */
  public PushReport push(List<String> images, ImageReference target, PushOptions options)
      throws LayerStoreException {
    return ImagePush.push(layers, host, images, target, options);
  }

  /** Does what {@link ImageStore#save} says. */
  public SaveReport save(List<String> images, ImageTarget target, SaveOptions options)
      throws LayerStoreException {
    return ImageSave.save(layers, host, images, target, options);
  }
}
