package io.layerstore.overlay2;

import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import io.layerstore.testing.MountedCommandContract;
import java.nio.file.Path;

/** Commands in overlay mounts, which for an ordinary user are in other namespaces. */
final class Overlay2MountedCommandTest extends MountedCommandContract {

  @Override
  protected StoreOptions.Builder builder(Path root) {
    Overlay2Testing.assumeSupported(root.getParent());
    return LayerStore.builder(root).driver("overlay2");
  }
}
