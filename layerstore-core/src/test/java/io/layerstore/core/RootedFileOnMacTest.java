package io.layerstore.core;

import io.layerstore.Durability;
import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import io.layerstore.testing.RootedFileContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Files of a vfs mount where names that differ in case only are one. */
final class RootedFileOnMacTest extends RootedFileContract {

  @Override
  protected Path newDirectory() throws IOException {
    return Files.createDirectory(PoorFileSystem.MAC.newRoot());
  }

  @Override
  protected StoreOptions.Builder builder(Path root) {
    return LayerStore.builder(root).driver("vfs").durability(Durability.NONE);
  }
}
