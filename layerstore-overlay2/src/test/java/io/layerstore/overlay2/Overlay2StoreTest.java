package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import io.layerstore.testing.LayerStoreContract;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The contract of the layer store, with overlay mounts of whoever runs the tests. */
final class Overlay2StoreTest extends LayerStoreContract {

  @TempDir Path directory;

  @Override
  protected Path newRoot() {
    Overlay2Testing.assumeSupported(directory);
    return directory.resolve("store");
  }

  @Override
  protected StoreOptions.Builder builder(Path root) {
    return LayerStore.builder(root).driver("overlay2");
  }

  @Override
  protected Set<String> driverDirectories(Path root) throws IOException {
    Set<String> names = new TreeSet<>();
    Path home = root.resolve("overlay2");
    if (Files.isDirectory(home)) {
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(home)) {
        entries.forEach(entry -> names.add(entry.getFileName().toString()));
      }
    }
    names.remove("l");
    return names;
  }

  @Override
  protected boolean keepsOwners() {
    return Overlay2Testing.keepsOwners(directory.resolve("traits"));
  }

  @Test
  void open_newRootWithoutDriverName_choosesOverlay2() throws IOException {
    try (LayerStore store = LayerStore.open(directory.resolve("another"))) {
      assertEquals("overlay2", store.driverName());
    }
  }
}
