package io.layerstore.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.ChainId;
import io.layerstore.Change;
import io.layerstore.CommitOptions;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerStore;
import io.layerstore.RWLayer;
import io.layerstore.core.PoorFileSystem;
import io.layerstore.testing.DebianRoot;
import io.layerstore.testing.Heavy;
import io.layerstore.testing.Listing;
import io.layerstore.testing.Machine;
import io.layerstore.testing.ScratchDirectory;
import io.layerstore.testing.Sha256;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.Tool;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The root file system of a real distribution as a layer. */
@Heavy
@SuppressWarnings("try") // Held by scope, not by name.
class DebianRootTest {

  private ScratchDirectory scratch;
  private Path archive;

  @BeforeEach
  void createScratch() throws Exception {
    archive = DebianRoot.archive();
    scratch = ScratchDirectory.create();
    Machine.requireSpace(scratch.path(), 1L << 30);
  }

  @AfterEach
  void deleteScratch() throws Exception {
    if (scratch != null) {
      scratch.close();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"cat", "gzip --fast --stdout", "zstd --quiet --stdout"})
  void register_debianRoot_listsAndExportsTheSameBytes(String compressor) throws Exception {
    try (LayerStore store = open();
        Layer layer = register(store, compress(compressor))) {
      assertEquals(
          List.of(layer.diffId()), store.layers().stream().map(LayerInfo::diffId).toList());
      try (InputStream tar = layer.tarStream()) {
        assertEquals(Sha256.of(archive), Sha256.of(tar));
      }
    }
  }

  @Test
  void register_debianRoot_unpacksWhatGnuTarUnpacks() throws Exception {
    Machine.requireRoot();
    Path expected = Files.createDirectory(scratch.resolve("expected"));
    Tool.require("tar").run("-C", expected, "--same-owner", "-xpf", archive);
    try (LayerStore store = open();
        Layer layer = register(store, archive)) {
      Path files = scratch.resolve("root").resolve("vfs/dir").resolve(layer.cacheId());
      assertEquals("", Listing.difference(expected, files));
    }
  }

  /** A stock system on every kind of file system, with all that is done to layers. */
  @ParameterizedTest
  @EnumSource
  void register_debianRootInMemory_isTheSameEverywhere(PoorFileSystem kind) throws Exception {
    byte[] diff =
        new TarBuilder()
            .directory("etc/")
            .file("etc/Motd", "changed\n")
            .file("etc/.wh.issue", "")
            .hardLink("etc/pERL", "usr/bin/perl")
            .symlink("etc/alternatives/awk", "C:\\awk")
            .end()
            .toBytes();
    Path root = kind.newRoot();
    try (AutoCloseable memory = PoorFileSystem.memory(root);
        LayerStore store = LayerStore.open(root);
        Layer layer = register(store, archive)) {
      try (InputStream tar = layer.tarStream()) {
        assertEquals(Sha256.of(archive), Sha256.of(tar));
      }
      ChainId committed;
      try (RWLayer rw = store.createRWLayer("rw", layer.chainId())) {
        assertEquals(List.of(), changes(rw));
        rw.applyDiff(new ByteArrayInputStream(diff));
        assertEquals(
            List.of(
                "C /etc",
                "A /etc/Motd",
                "C /etc/alternatives",
                "C /etc/alternatives/awk",
                "D /etc/issue",
                "A /etc/pERL",
                "C /usr",
                "C /usr/bin"),
            changes(rw).stream().filter(change -> !change.contains("perl")).toList());
        try (Layer top = rw.commit(CommitOptions.builder().releaseAfterwards(true).build())) {
          committed = top.chainId();
        }
      }
      try (RWLayer child = store.createRWLayer("child", committed)) {
        assertEquals(List.of(), changes(child));
        assertEquals(0, child.sizeBytes());
      }
    }
  }

  private static List<String> changes(RWLayer rw) throws Exception {
    try (Stream<Change> changes = rw.changes()) {
      return changes.map(Change::toString).toList();
    }
  }

  private LayerStore open() throws Exception {
    return LayerStore.builder(scratch.resolve("root")).driver("vfs").open();
  }

  private static Layer register(LayerStore store, Path archive) throws Exception {
    try (InputStream in = Files.newInputStream(archive)) {
      return store.register(in, (ChainId) null);
    }
  }

  private Path compress(String compressor) throws Exception {
    Tool.require(compressor.split(" ", 2)[0]);
    Path compressed = scratch.resolve("compressed");
    Tool.require("bash")
        .with("in", archive.toString())
        .with("out", compressed.toString())
        .run("-euc", compressor + " < \"$in\" > \"$out\"");
    return compressed;
  }
}
