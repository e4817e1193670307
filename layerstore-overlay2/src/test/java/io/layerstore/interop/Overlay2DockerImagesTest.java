package io.layerstore.interop;

import io.layerstore.testing.DockerImagesContract;

final class Overlay2DockerImagesTest extends DockerImagesContract {
  Overlay2DockerImagesTest() {
    super("overlay2");
  }
}
