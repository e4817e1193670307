package io.layerstore.core;

import io.layerstore.Durability;
import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import io.layerstore.testing.RootedFileContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** Files of a vfs mount on disk, as root or as an ordinary user, whoever runs the tests. */
final class RootedFileOnDiskTest extends RootedFileContract {

  @TempDir private Path temporary;

  @Override
  protected Path newDirectory() throws IOException {
    return Files.createDirectory(temporary.resolve("test"));
  }

  @Override
  protected StoreOptions.Builder builder(Path root) {
    return LayerStore.builder(root).driver("vfs").durability(Durability.NONE);
  }
}
