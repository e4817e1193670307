package io.layerstore.core;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;

/** Image archives on an in-memory root, read from memory and written to it. */
final class ImageArchiveOnJimfsTest extends VfsImageArchiveContract {

  private final FileSystem memory =
      Jimfs.newFileSystem(
          Configuration.unix().toBuilder()
              .setAttributeViews("basic", "owner", "posix", "unix", "user")
              .setBlockSize(512)
              .build());

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
