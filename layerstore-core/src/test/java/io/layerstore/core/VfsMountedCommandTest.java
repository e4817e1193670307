package io.layerstore.core;

import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import io.layerstore.testing.MountedCommandContract;
import java.nio.file.Path;

/** Commands in the plain directories of {@code vfs}. */
final class VfsMountedCommandTest extends MountedCommandContract {

  @Override
  protected StoreOptions.Builder builder(Path root) {
    return LayerStore.builder(root).driver("vfs");
  }
}
