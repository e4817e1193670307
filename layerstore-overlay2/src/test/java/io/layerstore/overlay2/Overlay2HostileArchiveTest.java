package io.layerstore.overlay2;

import io.layerstore.Durability;
import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import io.layerstore.testing.HostileArchiveContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** Hostile archives on overlay2, as root or as an ordinary user, whoever runs the tests. */
final class Overlay2HostileArchiveTest extends HostileArchiveContract {

  @TempDir Path directory;

  @Override
  protected Path newDirectory() throws IOException {
    Overlay2Testing.assumeSupported(directory);
    return Files.createDirectory(directory.resolve("test"));
  }

  @Override
  protected StoreOptions.Builder builder(Path root) {
    return LayerStore.builder(root).driver("overlay2").durability(Durability.NONE);
  }

  @Override
  protected boolean unpacksOverParent() {
    return false;
  }

  @Override
  protected boolean comparesMounts() {
    return Overlay2Testing.isRoot();
  }

  @Override
  protected boolean setsCapabilities() {
    return Overlay2Testing.isRoot();
  }

  @Override
  protected int fuzzRounds() {
    return Boolean.getBoolean("layerstore.heavy") ? super.fuzzRounds() : 40;
  }
}
