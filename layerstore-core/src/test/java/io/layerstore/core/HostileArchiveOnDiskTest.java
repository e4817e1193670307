package io.layerstore.core;

import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import io.layerstore.testing.HostileArchiveContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** Hostile archives on disk, as root or as an ordinary user, whoever runs the tests. */
final class HostileArchiveOnDiskTest extends HostileArchiveContract {

  @TempDir private Path temporary;

  @Override
  protected Path newDirectory() throws IOException {
    return Files.createDirectory(temporary.resolve("test"));
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
