package io.layerstore.overlay2;

import io.layerstore.Durability;
import io.layerstore.LayerStore;
import io.layerstore.StoreOptions;
import io.layerstore.testing.ImageArchiveContract;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.io.TempDir;

/** Image archives on overlay2, where layers are unpacked side by side. */
final class Overlay2ImageArchiveTest extends ImageArchiveContract {

  @TempDir Path directory;

  @Override
  protected Path newDirectory() {
    Overlay2Testing.assumeSupported(directory);
    return directory;
  }

  @Override
  protected StoreOptions.Builder builder(Path root) {
    return LayerStore.builder(root).driver("overlay2").durability(Durability.NONE);
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
}
