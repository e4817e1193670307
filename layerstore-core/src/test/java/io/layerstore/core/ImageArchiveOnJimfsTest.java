package io.layerstore.core;

import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import io.layerstore.testing.MemoryFiles;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;

/** Image archives on an in-memory root, read from memory and written to it. */
final class ImageArchiveOnJimfsTest extends VfsImageArchiveContract {

  private final FileSystem memory = MemoryFiles.unix();

  @Override
  protected Path newDirectory() throws IOException {
    return Files.createDirectories(memory.getPath("/data"));
  }

  @Override
  protected StoreOptions.Builder builder(Path root) {
    return LayerStore.builder(root);
  }

  @Override
  protected void discardDirectory() throws IOException {
    memory.close();
  }
}
