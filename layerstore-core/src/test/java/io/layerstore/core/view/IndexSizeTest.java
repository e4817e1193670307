package io.layerstore.core.view;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.Limits;
import io.layerstore.testing.Heavy;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** How much memory an image takes that is open. */
final class IndexSizeTest {

  private static final int LAYERS = 74;
  private static final long MAX_BYTES = 128L << 20;

  /** So many bytes an entry would fill the heap of an image of a million entries. */
  private static final long MAX_BYTES_EACH = MAX_BYTES / 1_000_000;

  @Test
  void index_of74Layers_takesLittleForEachEntry() throws IOException {
    assertSmall(100_000);
  }

  @Heavy
  @Test
  void index_ofAMillionEntriesIn74Layers_fitsInto128Megabytes() throws IOException {
    assertSmall(1_000_000);
  }

  private static void assertSmall(int entries) throws IOException {
    long before = used();
    LayerIndexer indexer = new LayerIndexer();
    int each = entries / LAYERS;
    int made = 0;
    for (int layer = 0; layer < LAYERS; layer++) {
      byte[] archive = archive(layer, layer == LAYERS - 1 ? entries - made : each);
      made += each;
      // What the layers are read from does not count.
      InputStreamOnce once = new InputStreamOnce(archive);
      indexer.add(new ArchivedLayer(diffId(), chainId(), once::open), Limits.NONE);
    }
    try (ViewFileSystem view = indexer.view(new ViewSettings("large", false, false, () -> {}))) {
      long bytes = used() - before;
      assertTrue(
          bytes < MAX_BYTES_EACH * entries,
          bytes + " bytes for " + entries + " entries: " + bytes / entries + " each");
      try (Stream<Path> all = Files.walk(view.getPath("/"))) {
        assertEquals(entries + LAYERS + 1, all.count());
      }
    }
  }

  /** Files as they are in packages: names of twenty bytes, a thousand in a directory. */
  private static byte[] archive(int layer, int entries) {
    TarBuilder tar = new TarBuilder().directory("l" + layer + "/");
    for (int i = 0; i < entries; i++) {
      String name =
          i % 1000 == 0
              ? "l" + layer + "/d" + i / 1000 + "/"
              : "l%d/d%d/file-name-%05d.class".formatted(layer, i / 1000, i);
      tar.header(
          name.endsWith("/")
              ? TarHeaderBlock.directory(name)
              : TarHeaderBlock.named(name).modified(1_600_000_000L + i));
    }
    return tar.end().toBytes();
  }

  private static DiffId diffId() {
    return DiffId.EMPTY_TAR;
  }

  private static ChainId chainId() {
    return ChainId.of(null, diffId());
  }

  /** Forgets the archive once it has been read. */
  private static final class InputStreamOnce {
    private byte[] archive;

    InputStreamOnce(byte[] archive) {
      this.archive = archive;
    }

    InputStream open() {
      InputStream opened = new ByteArrayInputStream(archive);
      archive = new byte[0];
      return opened;
    }
  }

  private static long used() {
    long used = Long.MAX_VALUE;
    for (int i = 0; i < 3; i++) {
      System.gc();
      used = Math.min(used, ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed());
    }
    return used;
  }
}
