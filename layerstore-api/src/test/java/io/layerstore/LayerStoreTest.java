package io.layerstore;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Opening a store where nothing implements one, as in this module's own tests. */
final class LayerStoreTest {

  @Test
  void open_noImplementation_illegalStateThatSaysWhatToAdd(@TempDir Path directory) {
    assumeTrue(
        ServiceLoader.load(LayerStoreProvider.class).findFirst().isEmpty(),
        "an implementation is on the class path");
    Path root = directory.resolve("store");
    IllegalStateException e =
        assertThrows(IllegalStateException.class, () -> LayerStore.open(root));
    assertTrue(e.getMessage().contains("add io.layerstore:layerstore-core"), e.getMessage());
    assertTrue(Files.notExists(root));
  }
}
