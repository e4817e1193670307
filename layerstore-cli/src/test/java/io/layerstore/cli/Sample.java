package io.layerstore.cli;

import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;

/** The image that a real dockerd wrote and the jar contains. */
final class Sample {
  private Sample() {}

  /** The archive of the image. */
  static byte[] image() throws IOException {
    try (InputStream in = Sample.class.getResourceAsStream("sample-image.tar")) {
      return Objects.requireNonNull(in, "sample-image.tar").readAllBytes();
    }
  }

  /** The archive of one of its layers, the bottom one first. */
  static byte[] layer(int index) throws IOException {
    try (SavedImage image = SavedImage.open(image());
        InputStream in = image.layers().get(index).open()) {
      return in.readAllBytes();
    }
  }
}
