package io.layerstore.core.image;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import io.layerstore.testing.ImageStoreContract;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Path;

/** The images of a store on an in-memory root. */
final class ImageStoreOnJimfsTest extends ImageStoreContract {

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
