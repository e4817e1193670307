package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.Durability;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.testing.FormatVectors;
import io.layerstore.testing.StoreOperation;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code docs/formats/README.md} explains every name in a root. */
final class Overlay2NamesTest {

  @TempDir private Path directory;

  @Test
  void names_inARootInUse_areDockersButForTheLockAndTheSharing()
      throws IOException, InterruptedException {
    Overlay2Testing.assumeSupported(directory);
    Path root = directory.resolve("store");
    try (LayerStore store =
        LayerStore.builder(root).driver("overlay2").durability(Durability.NONE).open()) {
      StoreOperation.prepare(store);
      try (RWLayer layer = store.getRWLayer("rw");
          Mount mount = layer.mount()) {
        String names = FormatVectors.read("root", root.toString());

        assertEquals(
            List.of("sharing", "lock", "sharing", "sharing", "sharing"),
            names.lines().map(line -> line.replaceFirst(".*\t", "")).toList(),
            mount.path()::toString);
      }
    }
  }
}
