package io.layerstore.registry;

import io.layerstore.testing.RegistryContract;

/** Images to a registry and back, with the driver {@code vfs}. */
final class VfsRegistryTest extends RegistryContract {

  VfsRegistryTest() {
    super("vfs");
  }
}
