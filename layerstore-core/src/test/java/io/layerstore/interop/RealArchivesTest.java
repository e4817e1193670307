package io.layerstore.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.ArchiveException.Kind;
import io.layerstore.ChainId;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerStore;
import io.layerstore.testing.Archiver;
import io.layerstore.testing.DataRoot;
import io.layerstore.testing.Listing;
import io.layerstore.testing.Machine;
import io.layerstore.testing.MemoryFiles;
import io.layerstore.testing.Refusals;
import io.layerstore.testing.ScratchDirectory;
import io.layerstore.testing.Sha256;
import io.layerstore.testing.SourceTree;
import io.layerstore.testing.Tool;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Archives that real tools wrote, of a tree with something of everything. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RealArchivesTest {

  private static final String ALL = "io.layerstore.testing.Archiver#all";

  private final Map<Archiver, Path> archives = new HashMap<>();
  private ScratchDirectory fixtures;
  private ScratchDirectory scratch;

  @BeforeAll
  void createSource() throws Exception {
    fixtures = ScratchDirectory.create();
    SourceTree.create(fixtures.resolve("source"));
  }

  @AfterAll
  void deleteFixtures() throws Exception {
    fixtures.close();
  }

  @BeforeEach
  void createScratch() throws Exception {
    scratch = ScratchDirectory.create();
  }

  @AfterEach
  void deleteScratch() throws Exception {
    scratch.close();
  }

  @Nested
  class Register {

    @ParameterizedTest
    @MethodSource(ALL)
    void register_archive_hasItsSha256AsDiffId(Archiver archiver) throws Exception {
      Path archive = archive(archiver);
      try (LayerStore store = open();
          Layer layer = register(store, archive)) {
        assertEquals(Sha256.of(archive), layer.diffId().toString());
      }
    }

    @ParameterizedTest
    @MethodSource(ALL)
    void register_archive_listsIt(Archiver archiver) throws Exception {
      try (LayerStore store = open();
          Layer layer = register(store, archive(archiver))) {
        assertEquals(
            List.of(layer.chainId()), store.layers().stream().map(LayerInfo::chainId).toList());
      }
    }

    @ParameterizedTest
    @MethodSource(ALL)
    void register_archive_unpacksWhatTarUnpacks(Archiver archiver) throws Exception {
      Machine.requireRoot();
      Path archive = archive(archiver);
      Path expected = Files.createDirectory(scratch.resolve("expected"));
      // Each tool by its own family: GNU tar does not restore the times of bsdtar's directories.
      Tool.require(archiver.program().equals("bsdtar") ? "bsdtar" : "tar")
          .run("-C", expected, "--same-owner", "-xpf", archive);
      try (LayerStore store = open();
          Layer layer = register(store, archive)) {
        Path files = scratch.resolve("root").resolve("vfs/dir").resolve(layer.cacheId());
        assertEquals("", Listing.difference(expected, files));
      }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
      "gzip, gzip --fast",
      "gzip, gzip --best",
      "bzip2, bzip2",
      "xz, xz",
      "xz in blocks, xz --block-size=100000",
      "zstd, zstd --quiet",
      "zstd with a long window, zstd --quiet --long=27 -19",
    })
    void register_compressedArchive_hasTheDiffIdOfWhatIsInside(String name, String command)
        throws Exception {
      Path archive = archive(gnuTar());
      Path compressed = compress(archive, command);
      try (LayerStore store = open();
          Layer layer = register(store, compressed)) {
        assertEquals(Sha256.of(archive), layer.diffId().toString(), name);
      }
    }

    @ParameterizedTest
    @CsvSource({"gzip", "bzip2", "xz", "zstd --quiet"})
    void register_archiveCompressedInTwoParts_readsBoth(String command) throws Exception {
      Path archive = archive(gnuTar());
      Path compressed = scratch.resolve("compressed");
      Tool.require(command.split(" ", 2)[0]);
      bash(
          "{ head -c 100000 \"$in\" | %1$s; tail -c +100001 \"$in\" | %1$s; } > \"$out\""
              .formatted(command),
          archive,
          compressed);
      try (LayerStore store = open();
          Layer layer = register(store, compressed)) {
        assertEquals(Sha256.of(archive), layer.diffId().toString());
      }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
      "volume label, --format=gnu --label=backup",
      "incremental backup, --format=gnu --listed-incremental=$out.snapshot",
    })
    void register_archiveWithWhatIsNoFile_isRefusedAndChangesNothing(String name, String options)
        throws Exception {
      Path archive = scratch.resolve("archive");
      bash("tar " + options + " -C \"$in\" -cf \"$out\" plain", source(), archive);
      try (LayerStore store = open()) {
        DataRoot root = new DataRoot(scratch.resolve("root"), "vfs");

        Refusals.assertRefused(Kind.UNSUPPORTED_ENTRY, () -> register(store, archive), name);

        assertEquals(List.of(), root.chainIds());
        assertEquals(0, Listing.of(scratch.resolve("root/vfs/dir")).size());
      }
    }
  }

  @Nested
  class TarStream {

    @ParameterizedTest
    @MethodSource(ALL)
    void tarStream_registeredArchive_hasTheSameBytes(Archiver archiver) throws Exception {
      Path archive = archive(archiver);
      try (LayerStore store = open();
          Layer layer = register(store, archive)) {
        assertSameBytes(archive, layer);
      }
    }

    @ParameterizedTest
    @MethodSource(ALL)
    void tarStream_afterReopen_hasTheSameBytes(Archiver archiver) throws Exception {
      Path archive = archive(archiver);
      ChainId chainId;
      try (LayerStore store = open();
          Layer layer = register(store, archive)) {
        chainId = layer.chainId();
      }
      try (LayerStore store = open();
          Layer layer = store.get(chainId)) {
        assertSameBytes(archive, layer);
      }
    }

    @ParameterizedTest
    @MethodSource(ALL)
    void tarStream_inMemory_hasTheSameBytes(Archiver archiver) throws Exception {
      Path archive = archive(archiver);
      try (FileSystem memory = MemoryFiles.unix();
          LayerStore store = LayerStore.open(memory.getPath("/root"));
          Layer layer = register(store, archive)) {
        assertSameBytes(archive, layer);
      }
    }

    @ParameterizedTest
    @MethodSource(ALL)
    void tarStream_onTopOfTheSameFiles_hasTheSameBytes(Archiver archiver) throws Exception {
      Path archive = archive(archiver);
      try (LayerStore store = open();
          Layer base = register(store, archive(gnuTar()));
          InputStream in = Files.newInputStream(archive);
          Layer layer = store.register(in, base.chainId())) {
        assertSameBytes(archive, layer);
      }
    }
  }

  @Nested
  class Release {

    @Test
    void release_layerOfARealArchive_leavesNoFile() throws Exception {
      try (LayerStore store = open()) {
        store.release(register(store, archive(gnuTar())));

        assertEquals(
            0, Listing.of(scratch.resolve("root/vfs")).stream().filter(this::isFile).count());
      }
    }

    private boolean isFile(String line) {
      return line.contains("|f|");
    }
  }

  private LayerStore open() throws IOException {
    return LayerStore.builder(scratch.resolve("root")).driver("vfs").open();
  }

  private Path source() {
    return fixtures.resolve("source");
  }

  private static Archiver gnuTar() {
    return Archiver.all().filter(each -> each.name().equals("GNU tar, posix")).findFirst().get();
  }

  private Path archive(Archiver archiver) throws Exception {
    Path archive = archives.get(archiver);
    if (archive == null) {
      archive = fixtures.resolve(archives.size() + ".tar");
      archiver.archive(source(), archive);
      archives.put(archiver, archive);
    }
    return archive;
  }

  private Path compress(Path archive, String command) throws Exception {
    Tool.require(command.split(" ", 2)[0]);
    Path compressed = scratch.resolve("compressed");
    bash(command + " --stdout < \"$in\" > \"$out\"", archive, compressed);
    return compressed;
  }

  private static void bash(String script, Path in, Path out) throws Exception {
    Tool.require("bash")
        .with("in", in.toString())
        .with("out", out.toString())
        .run("-o", "pipefail", "-euc", script);
  }

  private static Layer register(LayerStore store, Path archive) throws IOException {
    try (InputStream in = Files.newInputStream(archive)) {
      return store.register(in, (ChainId) null);
    }
  }

  private static void assertSameBytes(Path archive, Layer layer) throws IOException {
    try (InputStream expected = Files.newInputStream(archive);
        InputStream actual = layer.tarStream()) {
      assertEquals(Sha256.of(expected), Sha256.of(actual));
    }
  }
}
