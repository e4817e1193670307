package io.layerstore.core.view;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.LayerStoreException;
import io.layerstore.Limits;
import io.layerstore.core.tarsplit.Disassembler;
import io.layerstore.testing.ChildJvm;
import io.layerstore.testing.Heavy;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How much memory an image takes that is open. */
final class IndexSizeTest {

  private static final int LAYERS = 74;
  private static final long MAX_BYTES = 128L << 20;

  /** So many bytes an entry would fill the heap of an image of a million entries. */
  private static final long MAX_BYTES_EACH = MAX_BYTES / 1_000_000;

  @TempDir Path directory;

  @Test
  void index_of74Layers_takesLittleForEachEntry() throws IOException {
    assertSmall(100_000);
  }

  /** With what opening leaves behind for the collector, and all else that a JVM has in its heap. */
  @Heavy
  @ParameterizedTest
  @ValueSource(ints = {1_000_000 / LAYERS, 900_000})
  void open_aMillionEntriesIn74Layers_needsAHeapOf128Megabytes(int largest) throws Exception {
    int others = (1_000_000 - largest) / (LAYERS - 1);
    for (int layer = 0; layer < LAYERS; layer++) {
      writeTarSplit(directory.resolve("" + layer), layer, layer == LAYERS / 2 ? largest : others);
    }
    String printed = ChildJvm.run(List.of("-Xmx128m"), Opening.class, directory).out();
    int entries = largest + others * (LAYERS - 1);
    assertEquals("" + (entries + LAYERS + 1), printed.strip());
  }

  /** Opens the layers whose tar-splits are in a directory, and counts their entries. */
  static final class Opening {
    private Opening() {}

    public static void main(String[] arguments) throws IOException {
      LayerIndexer indexer = new LayerIndexer();
      for (int layer = 0; layer < LAYERS; layer++) {
        Path tarSplit = Path.of(arguments[0], "" + layer);
        indexer.add(
            new StoredLayer(
                diffId(),
                chainId(),
                () -> open(tarSplit),
                () -> {
                  throw new LayerStoreException("nothing is read");
                }));
      }
      try (ViewFileSystem view = indexer.view(new ViewSettings("large", false, false, () -> {}));
          Stream<Path> all = Files.walk(view.getPath("/"))) {
        System.out.println(all.count());
      }
    }

    private static InputStream open(Path file) throws LayerStoreException {
      try {
        return Files.newInputStream(file);
      } catch (IOException e) {
        throw new LayerStoreException(e.getMessage(), e);
      }
    }
  }

  private static void writeTarSplit(Path file, int layer, int entries) throws IOException {
    int each = 10_000;
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file));
        Disassembler document = new Disassembler(out)) {
      for (int from = 0; from < entries; from += each) {
        byte[] headers = archive(layer, from, Math.min(from + each, entries)).toBytes();
        document.raw(headers, 0, headers.length);
      }
      document.endOfArchive();
    }
  }

  private static void assertSmall(int entries) throws IOException {
    long before = used();
    LayerIndexer indexer = new LayerIndexer();
    int each = entries / LAYERS;
    int made = 0;
    for (int layer = 0; layer < LAYERS; layer++) {
      int count = layer == LAYERS - 1 ? entries - made : each;
      byte[] archive = archive(layer, 0, count).end().toBytes();
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
  private static TarBuilder archive(int layer, int from, int to) {
    TarBuilder tar = new TarBuilder();
    if (from == 0) {
      tar.directory("l" + layer + "/");
    }
    for (int i = from; i < to; i++) {
      String name =
          i % 1000 == 0
              ? "l" + layer + "/d" + i / 1000 + "/"
              : "l%d/d%d/file-name-%05d.class".formatted(layer, i / 1000, i);
      tar.header(
          name.endsWith("/")
              ? TarHeaderBlock.directory(name)
              : TarHeaderBlock.named(name).modified(1_600_000_000L + i));
    }
    return tar;
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
