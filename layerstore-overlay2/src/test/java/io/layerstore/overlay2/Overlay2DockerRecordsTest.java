package io.layerstore.overlay2;

import io.layerstore.Durability;
import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import io.layerstore.testing.DockerRecordsContract;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** With overlay mounts of whoever runs the tests. */
final class Overlay2DockerRecordsTest extends DockerRecordsContract {

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
