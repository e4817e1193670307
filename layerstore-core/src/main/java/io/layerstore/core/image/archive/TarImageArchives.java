package io.layerstore.core.image.archive;

import io.layerstore.ImageSource;
import io.layerstore.ImageTarget;
import io.layerstore.LayerStoreException;
import io.layerstore.LoadOptions;
import io.layerstore.LoadReport;
import io.layerstore.SaveOptions;
import io.layerstore.SaveReport;
import io.layerstore.core.image.ImageArchives;
import java.util.List;

/** Reads and writes the image archives of one store. Safe for use by many threads. */
public final class TarImageArchives implements ImageArchives {

  private final ArchiveLayers layers;
  private final Host host;

  /** For the layers and images of one store. */
  public TarImageArchives(ArchiveLayers layers, Host host) {
    this.layers = layers;
    this.host = host;
  }

  @Override
  public LoadReport load(ImageSource source, LoadOptions options) throws LayerStoreException {
    return ImageLoad.load(layers, host, source, options);
  }

  @Override
  public SaveReport save(List<String> images, ImageTarget target, SaveOptions options)
      throws LayerStoreException {
    return ImageSave.save(layers, host, images, target, options);
  }
}
