package io.layerstore.core.image;

import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import io.layerstore.testing.ImageStoreContract;
import io.layerstore.testing.MemoryFiles;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Path;

/** The images of a store on an in-memory root. */
final class ImageStoreOnJimfsTest extends ImageStoreContract {

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
