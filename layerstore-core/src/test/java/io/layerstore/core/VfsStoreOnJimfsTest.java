package io.layerstore.core;

import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import io.layerstore.testing.MemoryFiles;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Path;

/** The store on an in-memory root. */
final class VfsStoreOnJimfsTest extends VfsStoreContract {

  private final FileSystem memory = MemoryFiles.unix();

  @Override
  protected Path newRoot() {
    return memory.getPath("/data/store");
  }

  @Override
  protected StoreOptions.Builder builder(Path root) {
    return LayerStore.builder(root);
  }

  @Override
  protected void discardRoot() throws IOException {
    memory.close();
  }
}
