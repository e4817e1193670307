package io.layerstore.core;

import io.layerstore.Durability;
import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** Image archives on disk, as root or as an ordinary user, whoever runs the tests. */
final class ImageArchiveOnDiskTest extends VfsImageArchiveContract {

  @TempDir private Path directory;

  @Override
  protected Path newDirectory() {
    return directory;
  }

  @Override
  protected StoreOptions.Builder builder(Path root) {
    return LayerStore.builder(root).driver("vfs").durability(Durability.NONE);
  }
}
