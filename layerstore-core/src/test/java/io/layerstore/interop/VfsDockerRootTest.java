package io.layerstore.interop;

import io.layerstore.testing.DockerRootContract;

final class VfsDockerRootTest extends DockerRootContract {
  VfsDockerRootTest() {
    super("vfs");
  }
}
