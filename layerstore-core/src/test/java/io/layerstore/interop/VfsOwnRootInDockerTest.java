package io.layerstore.interop;

import io.layerstore.testing.OwnRootInDockerContract;

final class VfsOwnRootInDockerTest extends OwnRootInDockerContract {
  VfsOwnRootInDockerTest() {
    super("vfs", "dir");
  }
}
