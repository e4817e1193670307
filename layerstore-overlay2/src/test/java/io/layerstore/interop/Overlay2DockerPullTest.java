package io.layerstore.interop;

import io.layerstore.testing.DockerPullContract;

final class Overlay2DockerPullTest extends DockerPullContract {
  Overlay2DockerPullTest() {
    super("overlay2");
  }
}
