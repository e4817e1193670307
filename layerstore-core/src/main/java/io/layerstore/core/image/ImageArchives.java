package io.layerstore.core.image;

import io.layerstore.ImageId;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.ImageStore;
import io.layerstore.ImageTarget;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LoadOptions;
import io.layerstore.LoadReport;
import io.layerstore.SaveOptions;
import io.layerstore.SaveReport;
import io.layerstore.StoreOptions;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;

/** Reads and writes image archives for an image store. Called while the store is open. */
public interface ImageArchives {

  /** Does what {@link ImageStore#load} says; the store is writable. */
  LoadReport load(ImageSource source, LoadOptions options) throws LayerStoreException;

  /** Does what {@link ImageStore#save} says. */
  SaveReport save(List<String> images, ImageTarget target, SaveOptions options)
      throws LayerStoreException;

  /** What archives are read into and written from. */
  interface Host {

    /** The layer store. */
    LayerStore layers();

    /** The image store. */
    ImageStore images();

    /** How the store was opened. */
    StoreOptions options();

    /** What runs concurrent stages. */
    Executor executor();

    /**
     * Makes tags name images, whatever they named before, all of them or none. Unlike {@code
     * addTag} it leaves the times of the images' last tagging alone, as {@code docker load} does.
     *
     * @return what those that named another image named
     */
    Map<ImageReference, ImageId> tagLoaded(Map<ImageReference, ImageId> tags)
        throws LayerStoreException;
  }

  /** Makes what reads and writes the archives of one store. */
  @FunctionalInterface
  interface Factory {
    /** For the store of {@code host}. */
    ImageArchives open(Host host);
  }
}
