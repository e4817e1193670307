package io.layerstore.interop;

import io.layerstore.testing.DockerImagesContract;

final class VfsDockerImagesTest extends DockerImagesContract {
  VfsDockerImagesTest() {
    super("vfs");
  }
}
