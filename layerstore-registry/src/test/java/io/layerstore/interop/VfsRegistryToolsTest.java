package io.layerstore.interop;

import io.layerstore.testing.RegistryToolsContract;

/** Other engines at the same registry, with the driver {@code vfs}. */
final class VfsRegistryToolsTest extends RegistryToolsContract {

  VfsRegistryToolsTest() {
    super("vfs");
  }
}
