package io.layerstore.core;

import io.layerstore.LayerStore;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** The store on disk, as root or as an ordinary user, whoever runs the tests. */
final class VfsStoreOnDiskTest extends VfsStoreContract {

  @TempDir private Path directory;

  @Override
  protected Path newRoot() {
    return directory.resolve("store");
  }

  @Override
  protected LayerStore.Builder builder(Path root) {
    return LayerStore.builder(root).driver("vfs");
  }
}
