package io.layerstore.overlay2;

import io.layerstore.testing.RegistryContract;
import java.nio.file.Path;

/** Images to a registry and back, with the driver {@code overlay2}. */
final class Overlay2RegistryTest extends RegistryContract {

  Overlay2RegistryTest() {
    super("overlay2");
  }

  @Override
  protected void assumeSupported(Path directory) {
    Overlay2Testing.assumeSupported(directory);
  }
}
