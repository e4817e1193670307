package io.layerstore.core.tarsplit;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.RegisterOptions;
import io.layerstore.testing.FormatVectors;
import io.layerstore.testing.TarBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;

/**
 * {@code docs/formats/tar-split.md} says what stands for a path that comes twice, and for a sparse
 * file.
 */
final class TarSplitVectorsTest {

  private static final byte[] ARCHIVE =
      new TarBuilder()
          .file("a", "first\n")
          .file("./a", "second\n")
          .directory("d/")
          .file("d/b", "destroyed\n")
          .file("d", "a file\n")
          .pax(
              "GNU.sparse.major", "1",
              "GNU.sparse.minor", "0",
              "GNU.sparse.name", "hole",
              "GNU.sparse.realsize", "1000")
          .file("GNUSparseFile.0/hole", "1\n500\n5\n" + "\0".repeat(504) + "data\n")
          .end()
          .toBytes();

  @Test
  void vector_ofArchiveThatNoTreeHolds_isWhatIsWrittenNow() throws IOException {
    FormatVectors.assertIs("twice.tar", ARCHIVE);
    try (FileSystem memory = Jimfs.newFileSystem(Configuration.unix());
        LayerStore store = LayerStore.open(memory.getPath("/store"));
        Layer layer = store.register(LayerSource.of(ARCHIVE), RegisterOptions.DEFAULT)) {
      Path metadata =
          memory.getPath("/store/image/vfs/layerdb/sha256", layer.chainId().digest().hex());
      FormatVectors.assertIs("twice.json", unzipped(metadata.resolve("tar-split.json.gz")));
      String cacheId = Files.readString(metadata.resolve("cache-id"));
      Path tree = memory.getPath("/store/vfs/dir", cacheId);
      try (Stream<Path> files = Files.list(tree)) {
        List<Path> sorted = files.sorted().toList();
        for (Path file : sorted) {
          FormatVectors.assertIs("twice-tree/" + file.getFileName(), Files.readAllBytes(file));
        }
      }
    }
  }

  @Test
  void vector_readByAnother_givesTheArchive() throws IOException, InterruptedException {
    FormatVectors.assertReads(
        "tar-split", "twice.json", new String(ARCHIVE, StandardCharsets.UTF_8), "twice-tree");
  }

  private static byte[] unzipped(Path file) throws IOException {
    try (InputStream in = new GZIPInputStream(Files.newInputStream(file))) {
      return in.readAllBytes();
    }
  }
}
