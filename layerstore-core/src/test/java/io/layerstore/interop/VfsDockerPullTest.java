package io.layerstore.interop;

import io.layerstore.testing.DockerPullContract;

final class VfsDockerPullTest extends DockerPullContract {
  VfsDockerPullTest() {
    super("vfs");
  }
}
