package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.layerstore.ChainId;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.RWLayer;
import io.layerstore.RWLayerNotFoundException;
import io.layerstore.RWLayerOptions;
import io.layerstore.RecoveryReport.Kind;
import io.layerstore.RegisterOptions;
import io.layerstore.testing.AppendixA;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Read-write layers whose metadata lost the file {@code parent}; the driver still knows it. */
final class MissingParentTest {

  @TempDir private Path directory;

  private LayerStore open() throws IOException {
    return LayerStore.builder(directory).driver("overlay2").open();
  }

  private ChainId makeStore(RWLayerOptions options) throws IOException {
    Overlay2Testing.assumeSupported(directory);
    try (LayerStore store = open();
        Layer layer =
            store.register(LayerSource.of(AppendixA.TWO_BASE.bytes()), RegisterOptions.DEFAULT);
        RWLayer rw =
            store.createRWLayer("rw", options.toBuilder().parent(layer.chainId()).build())) {
      Files.delete(directory.resolve("image/overlay2/layerdb/mounts/rw/parent"));
      return rw.parent().orElseThrow();
    }
  }

  private void assertKeptAndNotListed(ChainId base) throws IOException {
    try (LayerStore store = open()) {
      assertEquals(
          List.of("rw"),
          store.recoveryReport().of(Kind.DAMAGED_RW_LAYER).stream()
              .map(finding -> finding.id())
              .toList());
      assertThrows(RWLayerNotFoundException.class, () -> store.getRWLayer("rw"));
      assertEquals(List.of(), store.release(store.get(base)));
      assertEquals(1, store.layers().size());
    }
  }

  @Test
  void open_withoutParentFile_keepsTheLayerBelow() throws IOException {
    assertKeptAndNotListed(makeStore(RWLayerOptions.DEFAULT));
  }

  @Test
  void open_withInitLayerAndWithoutParentFile_keepsTheLayerBelow() throws IOException {
    assertKeptAndNotListed(makeStore(RWLayerOptions.builder().initializer(root -> {}).build()));
  }

  @Test
  void open_parentFileWrittenAgain_rwLayerIsBack() throws IOException {
    ChainId base = makeStore(RWLayerOptions.DEFAULT);
    Files.writeString(
        directory.resolve("image/overlay2/layerdb/mounts/rw/parent"), base.toString());
    try (LayerStore store = open();
        RWLayer rw = store.getRWLayer("rw")) {
      assertEquals(base, rw.parent().orElseThrow());
    }
  }
}
