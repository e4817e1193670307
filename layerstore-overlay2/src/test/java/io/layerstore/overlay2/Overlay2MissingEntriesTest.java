package io.layerstore.overlay2;

import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.testing.MissingEntriesContract;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** On overlay2. */
final class Overlay2MissingEntriesTest extends MissingEntriesContract {

  @TempDir private Path directory;

  @BeforeEach
  void requireDriver() {
    Overlay2Testing.assumeSupported(directory);
  }

  @Override
  protected LayerStore open() throws LayerStoreException {
    return LayerStore.builder(directory.resolve("store")).driver("overlay2").open();
  }

  @Override
  protected Path files(String cacheId) {
    return directory.resolve("store/overlay2").resolve(cacheId).resolve("diff");
  }
}
