package io.layerstore.core;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Path;

/** The store on an in-memory root. */
final class VfsStoreOnJimfsTest extends VfsStoreContract {

  private final FileSystem memory =
      Jimfs.newFileSystem(
          Configuration.unix().toBuilder()
              .setAttributeViews("basic", "owner", "posix", "unix", "user")
              .setBlockSize(512)
              .build());

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
