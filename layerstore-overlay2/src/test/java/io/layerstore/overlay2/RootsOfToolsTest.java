package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.LayerStore;
import io.layerstore.StoreNotFoundException;
import io.layerstore.testing.Machine;
import io.layerstore.testing.ScratchDirectory;
import io.layerstore.testing.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Roots that other tools have just written, and what a second driver's store says of the first. */
final class RootsOfToolsTest {

  private ScratchDirectory scratch;
  private Path root;

  @BeforeEach
  void makeRoot() throws IOException {
    scratch = ScratchDirectory.create();
    root = scratch.path().resolve("root");
  }

  @AfterEach
  void deleteRoot() throws IOException {
    scratch.close();
  }

  private List<String> everything() throws IOException {
    try (Stream<Path> files = Files.walk(root)) {
      return files.map(file -> root.relativize(file).toString()).sorted().toList();
    }
  }

  private void assertRefusedAndUnchanged(String told) throws IOException {
    List<String> before = everything();
    StoreNotFoundException e =
        assertThrows(StoreNotFoundException.class, () -> LayerStore.open(root));
    assertTrue(e.getMessage().contains(told), e.getMessage());
    assertThrows(
        StoreNotFoundException.class, () -> LayerStore.builder(root).readOnly(true).open());
    assertEquals(before, everything());
  }

  @ParameterizedTest
  @ValueSource(strings = {"vfs", "overlay"})
  void open_rootOfBuildah_refusedAndUnchanged(String driver)
      throws IOException, InterruptedException {
    Machine.requireRoot();
    Tool.require("buildah")
        .run(
            "--root",
            root.toString(),
            "--runroot",
            scratch.path().resolve("run").toString(),
            "--storage-driver",
            driver,
            "from",
            "scratch");
    assertRefusedAndUnchanged("containers-storage), driver " + driver + " with 1 layer");
  }

  @Test
  void open_secondDriverToRead_isNoEmptyStore() throws IOException {
    LayerStore.builder(root).driver("vfs").open().close();
    StoreNotFoundException e =
        assertThrows(
            StoreNotFoundException.class,
            () -> LayerStore.builder(root).readOnly(true).driver("overlay2").open());
    assertTrue(e.getMessage().contains("image/vfs with 0 layers"), e.getMessage());
  }
}
