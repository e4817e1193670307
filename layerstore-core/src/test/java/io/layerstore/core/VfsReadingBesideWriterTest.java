package io.layerstore.core;

import io.layerstore.Durability;
import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import io.layerstore.testing.ReadingBesideWriterContract;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** Two {@code vfs} stores on one root, as root or as an ordinary user. */
final class VfsReadingBesideWriterTest extends ReadingBesideWriterContract {

  @TempDir private Path directory;

  @Override
  protected Path newRoot() {
    return directory.resolve("store");
  }

  @Override
  protected StoreOptions.Builder builder(Path root) {
    return LayerStore.builder(root).driver("vfs").durability(Durability.NONE);
  }
}
