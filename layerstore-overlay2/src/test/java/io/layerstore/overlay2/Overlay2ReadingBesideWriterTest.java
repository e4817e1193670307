package io.layerstore.overlay2;

import io.layerstore.Durability;
import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import io.layerstore.testing.ReadingBesideWriterContract;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** Two stores with overlay mounts of whoever runs the tests, on one root. */
final class Overlay2ReadingBesideWriterTest extends ReadingBesideWriterContract {

  @TempDir Path directory;

  @Override
  protected Path newRoot() {
    Overlay2Testing.assumeSupported(directory);
    return directory.resolve("store");
  }

  @Override
  protected StoreOptions.Builder builder(Path root) {
    return LayerStore.builder(root).driver("overlay2").durability(Durability.NONE);
  }
}
