package io.layerstore.core;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Feature;
import io.layerstore.Durability;
import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import io.layerstore.testing.MemoryFiles;
import io.layerstore.testing.RootedFileContract;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;

/** The same where directories cannot be held open, so that everything goes by path. */
final class RootedFileWithoutHeldDirectoriesTest extends RootedFileContract {

  @Override
  protected Path newDirectory() throws IOException {
    FileSystem memory =
        MemoryFiles.of(
            Configuration.unix().toBuilder()
                .setSupportedFeatures(Feature.LINKS, Feature.SYMBOLIC_LINKS, Feature.FILE_CHANNEL));
    return Files.createDirectory(memory.getPath("/test"));
  }

  @Override
  protected StoreOptions.Builder builder(Path root) {
    return LayerStore.builder(root).driver("vfs").durability(Durability.NONE);
  }
}
