package io.layerstore.interop;

import io.layerstore.testing.RegistryToolsContract;

/** Other engines at the same registry, with the driver {@code overlay2}. */
final class Overlay2RegistryToolsTest extends RegistryToolsContract {

  Overlay2RegistryToolsTest() {
    super("overlay2");
  }
}
