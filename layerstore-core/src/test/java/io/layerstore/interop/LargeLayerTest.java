package io.layerstore.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.testing.ChildJvm;
import io.layerstore.testing.DebianRoot;
import io.layerstore.testing.Heavy;
import io.layerstore.testing.Machine;
import io.layerstore.testing.ScratchDirectory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A heap of 64 MB is enough, however large the layer; names alone take 16 bytes each. */
@Heavy
class LargeLayerTest {

  private static final long GIB = 1L << 30;

  private ScratchDirectory scratch;

  @BeforeEach
  void createScratch() throws Exception {
    scratch = ScratchDirectory.create();
  }

  @AfterEach
  void deleteScratch() throws Exception {
    scratch.close();
  }

  @Test
  void registerAndExport_fileOf4GiB_worksInASmallHeap() throws Exception {
    Machine.requireSpace(scratch.path(), 6 * GIB);
    assertRegistersAndExports(LargeLayer.FOUR_GIB, scratch.path());
  }

  @Test
  void registerAndExport_200000Files_worksInASmallHeap() throws Exception {
    Machine.requireSpace(scratch.path(), 2 * GIB);
    assertRegistersAndExports(LargeLayer.MANY_FILES, scratch.path());
  }

  @Test
  void registerAndExport_debianRoot_worksInASmallHeap() throws Exception {
    Machine.requireSpace(scratch.path(), GIB);
    assertRegistersAndExports(LargeLayer.FILE, DebianRoot.archive());
  }

  @Test
  void register_sixMillionEntries_exceedTheLimit() throws Exception {
    assertEquals(
        List.of("maxEntries 5000000"),
        run("-Xmx256m", LargeLayer.SIX_MILLION_ENTRIES, scratch.path()));
    Path layers = scratch.resolve("root").resolve("vfs/dir");
    try (Stream<Path> left = Files.list(layers)) {
      assertEquals(List.of(), left.toList());
    }
  }

  private List<String> run(String heap, LargeLayer layer, Path file) throws Exception {
    return ChildJvm.run(
            List.of(heap, "-XX:+ExitOnOutOfMemoryError"),
            LargeLayerMain.class,
            scratch.resolve("root"),
            layer,
            file)
        .lines();
  }

  private void assertRegistersAndExports(LargeLayer layer, Path file) throws Exception {
    List<String> digests = run("-Xmx64m", layer, file);
    assertEquals(3, digests.size());
    assertEquals(digests.get(0), digests.get(1), "diff ID");
    assertEquals(digests.get(0), digests.get(2), "exported bytes");
  }
}
