package io.layerstore.core.image;

import io.layerstore.LayerStoreException;
import io.layerstore.driver.FileFailures;
import java.io.IOException;

/** Turns what the file system says into what the store says. */
final class ImageFailures {

  private ImageFailures() {}

  /** {@code cause} itself if it is the store's own, else a failure to {@code do something}. */
  static LayerStoreException wrap(String something, IOException cause) {
    return cause instanceof LayerStoreException e
        ? e
        : new LayerStoreException(
            "cannot " + something + ": " + FileFailures.describe(cause), cause);
  }
}
