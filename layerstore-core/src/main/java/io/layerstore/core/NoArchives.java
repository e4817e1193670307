package io.layerstore.core;

import io.layerstore.core.image.ImageArchives;
import io.layerstore.image.ImageSource;
import io.layerstore.image.ImageTarget;
import io.layerstore.image.LoadOptions;
import io.layerstore.image.LoadReport;
import io.layerstore.image.SaveOptions;
import java.util.List;

/** Stands where reading and writing archives will be. */
final class NoArchives implements ImageArchives {

  NoArchives(Host host) {}

  @Override
  public LoadReport load(ImageSource source, LoadOptions options) {
    throw new UnsupportedOperationException("image archives cannot be read yet");
  }

  @Override
  public void save(List<String> images, ImageTarget target, SaveOptions options) {
    throw new UnsupportedOperationException("image archives cannot be written yet");
  }
}
