package io.layerstore.core;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import io.layerstore.testing.HostileArchiveContract;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;

/** Hostile archives on an in-memory root. */
final class HostileArchiveOnJimfsTest extends HostileArchiveContract {

  @Override
  protected Path newDirectory() throws IOException {
    FileSystem memory =
        Jimfs.newFileSystem(
            Configuration.unix().toBuilder()
                .setAttributeViews("basic", "owner", "posix", "unix", "user")
                .setBlockSize(512)
                .build());
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
