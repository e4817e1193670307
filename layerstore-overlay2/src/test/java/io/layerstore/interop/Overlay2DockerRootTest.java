package io.layerstore.interop;

import io.layerstore.testing.DockerRootContract;

final class Overlay2DockerRootTest extends DockerRootContract {
  Overlay2DockerRootTest() {
    super("overlay2");
  }
}
