package io.layerstore.core;

import io.layerstore.Durability;
import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import io.layerstore.testing.MemoryFiles;
import io.layerstore.testing.RootedFileContract;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;

/** Files of a vfs mount in memory. */
final class RootedFileOnJimfsTest extends RootedFileContract {

  @Override
  protected Path newDirectory() throws IOException {
    FileSystem memory = MemoryFiles.unix();
    return Files.createDirectory(memory.getPath("/test"));
  }

  @Override
  protected StoreOptions.Builder builder(Path root) {
    return LayerStore.builder(root).driver("vfs").durability(Durability.NONE);
  }
}
