package io.layerstore.core;

import io.layerstore.Durability;
import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import io.layerstore.testing.RootedFileContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Files of a vfs mount where no links can be made, so that they are files. */
final class RootedFileWithoutLinksTest extends RootedFileContract {

  @Override
  protected Path newDirectory() throws IOException {
    return Files.createDirectory(PoorFileSystem.NO_LINKS.newRoot());
  }

  @Override
  protected StoreOptions.Builder builder(Path root) {
    return LayerStore.builder(root).driver("vfs").durability(Durability.NONE);
  }
}
