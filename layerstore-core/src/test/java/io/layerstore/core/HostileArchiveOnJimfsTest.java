package io.layerstore.core;

import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import io.layerstore.testing.HostileArchiveContract;
import io.layerstore.testing.MemoryFiles;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;

/** Hostile archives on an in-memory root. */
final class HostileArchiveOnJimfsTest extends HostileArchiveContract {

  @Override
  protected Path newDirectory() throws IOException {
    FileSystem memory = MemoryFiles.unix();
    return Files.createDirectory(memory.getPath("/test"));
  }

  @Override
  protected StoreOptions.Builder builder(Path root) {
    return LayerStore.builder(root).driver("vfs");
  }

  @Override
  protected boolean unpacksOverParent() {
    return true;
  }

  @Override
  protected boolean setsCapabilities() {
    return false;
  }
}
