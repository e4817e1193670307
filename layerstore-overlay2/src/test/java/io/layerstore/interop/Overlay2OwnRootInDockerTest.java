package io.layerstore.interop;

import io.layerstore.testing.OwnRootInDockerContract;

final class Overlay2OwnRootInDockerTest extends OwnRootInDockerContract {
  Overlay2OwnRootInDockerTest() {
    super("overlay2", ".", "l");
  }
}
