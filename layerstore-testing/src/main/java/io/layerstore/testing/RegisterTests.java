package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.ChainId;
import io.layerstore.Descriptor;
import io.layerstore.DiffId;
import io.layerstore.Layer;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LayerVerificationException;
import io.layerstore.Limits;
import io.layerstore.MaxDepthExceededException;
import io.layerstore.Mount;
import io.layerstore.RegisterOptions;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Registration: identity, exactness, refusal. */
abstract class RegisterTests extends StoreTests {

  @Test
  void register_baseLayer_chainIdIsDiffIdIsSha256OfTar() throws IOException {
    byte[] tar = tar("a", "1");
    try (Layer layer = register(tar)) {
      assertEquals(diffId(tar), layer.diffId());
      assertEquals(diffId(tar).digest(), layer.chainId().digest());
      assertTrue(layer.parent().isEmpty());
      assertEquals(1, layer.depth());
    }
  }

  @Test
  void register_onParent_chainIdFollowsFromBoth() throws IOException {
    try (Layer base = register(tar("a", "1"));
        Layer top = register(tar("b", "22"), base.chainId())) {
      assertEquals(ChainId.of(base.chainId(), top.diffId()), top.chainId());
      assertEquals(base.chainId(), top.parent().orElseThrow());
      assertEquals(base.sizeBytes() + top.diffSizeBytes(), top.sizeBytes());
      assertEquals(2, top.diffSizeBytes());
    }
  }

  @ParameterizedTest
  @EnumSource(AppendixA.class)
  void register_knownVector_acceptedAndExportedExactlyOrRefused(AppendixA vector)
      throws IOException {
    ChainId parent = null;
    if (vector.isAccepted()) {
      try (Layer layer = register(vector.bytes(), parent)) {
        assertEquals(vector.diffId(), layer.diffId().toString());
        assertArrayEquals(vector.bytes(), export(layer));
      }
    } else {
      List<Object> before = state();
      LayerStoreException e =
          assertThrows(LayerStoreException.class, () -> register(vector.bytes(), parent));
      vector.assertRefusedBy(e);
      assertEquals(before, state());
    }
  }

  @Test
  void register_sameContentTwice_oneLayerTwoHandles() throws IOException {
    byte[] tar = tar("a", "1");
    try (Layer first = register(tar);
        Layer second = register(tar)) {
      assertEquals(first.chainId(), second.chainId());
      assertEquals(first.cacheId(), second.cacheId());
      assertEquals(2, first.usage().handles());
      assertEquals(1, driverDirectories(root()).size());
      assertEquals(List.of(), store().release(first));
      assertEquals(1, store().release(second).size());
    }
  }

  @Test
  void register_sameContentOnTwoParents_twoLayersOfOneDiffId() throws IOException {
    try (Layer one = register(tar("a", "1"));
        Layer two = register(tar("b", "2"));
        Layer onOne = register(tar("c", "3"), one.chainId());
        Layer onTwo = register(tar("c", "3"), two.chainId())) {
      assertEquals(onOne.diffId(), onTwo.diffId());
      assertNotEquals(onOne.chainId(), onTwo.chainId());
      assertNotEquals(onOne.cacheId(), onTwo.cacheId());
    }
  }

  @Test
  void register_emptyTar_wellKnownDiffIdAndEmptyRoot() throws IOException {
    try (Layer layer = register(AppendixA.EMPTY1024.bytes());
        Mount mount = layer.mount()) {
      assertEquals(DiffId.EMPTY_TAR, layer.diffId());
      assertEquals(0, layer.sizeBytes());
      assertEquals(List.of(), names(mount.path()));
    }
  }

  @Test
  void register_unknownParent_refusedBeforeReading() throws IOException {
    List<Object> before = state();
    CountingSource source = new CountingSource(tar("a", "1"));
    ChainId unknown = ChainId.of(null, diffId(tar("x", "x")));
    assertThrows(
        LayerNotFoundException.class,
        () -> store().register(source, RegisterOptions.onTopOf(unknown)));
    assertEquals(0, source.opened.get());
    assertEquals(before, state());
  }

  @Test
  void register_chainOf125_acceptedAnd126thRefusedBeforeReading() throws IOException {
    byte[] tar = AppendixA.EMPTY1024.bytes();
    ChainId top = null;
    for (int i = 0; i < LayerStore.MAX_DEPTH; i++) {
      try (Layer layer = register(tar, top)) {
        top = layer.chainId();
        assertEquals(i + 1, layer.depth());
      }
    }
    ChainId full = top;
    List<Object> before = state();
    CountingSource source = new CountingSource(tar);
    MaxDepthExceededException e =
        assertThrows(
            MaxDepthExceededException.class,
            () -> store().register(source, RegisterOptions.onTopOf(full)));
    assertEquals(LayerStore.MAX_DEPTH, e.limit());
    assertEquals(0, source.opened.get());
    assertEquals(before, state());
  }

  @Test
  void register_wrongExpectedDiffId_refusedAndNothingLeft() throws IOException {
    List<Object> before = state();
    byte[] tar = tar("a", "1");
    DiffId wrong = diffId(tar("a", "2"));
    LayerVerificationException e =
        assertThrows(
            LayerVerificationException.class,
            () ->
                store()
                    .register(
                        new ByteArrayInputStream(tar),
                        RegisterOptions.builder().expectedDiffId(wrong).build()));
    assertEquals(Optional.of(wrong.digest()), e.expected());
    assertEquals(Optional.of(diffId(tar).digest()), e.actual());
    assertEquals(before, state());
  }

  @Test
  void register_wrongExpectedChainId_refusedAndNothingLeft() throws IOException {
    List<Object> before = state();
    ChainId wrong = ChainId.of(null, diffId(tar("a", "2")));
    assertThrows(
        LayerVerificationException.class,
        () ->
            store()
                .register(
                    LayerSource.of(tar("a", "1")),
                    RegisterOptions.builder().expectedChainId(wrong).build()));
    assertEquals(before, state());
  }

  @Test
  void register_expectedLayerPresent_sourceNeverOpened() throws IOException {
    byte[] tar = tar("a", "1");
    register(tar).close();
    CountingSource source = new CountingSource(tar);
    try (Layer layer =
        store().register(source, RegisterOptions.builder().expectedDiffId(diffId(tar)).build())) {
      assertEquals(diffId(tar), layer.diffId());
    }
    assertEquals(0, source.opened.get());
  }

  @Test
  void register_expectedLayerOfAnEarlierStore_sourceNeverOpened() throws IOException {
    byte[] tar = tar("a", "1");
    register(tar).close();
    reopen();
    CountingSource source = new CountingSource(tar);
    RegisterOptions options = RegisterOptions.builder().expectedDiffId(diffId(tar)).build();
    store().register(source, options).close();
    assertEquals(0, source.opened.get());
  }

  @Test
  void register_expectedLayerAbsent_sourceOpenedAndClosedOnce() throws IOException {
    byte[] tar = tar("a", "1");
    CountingSource source = new CountingSource(tar);
    store().register(source, RegisterOptions.builder().expectedDiffId(diffId(tar)).build()).close();
    assertEquals(1, source.opened.get());
    assertEquals(1, source.closed.get());
  }

  @Test
  void register_gzip_diffIdOfUncompressedBytes() throws IOException {
    byte[] tar = tar("a", "1");
    try (Layer layer = register(gzip(tar))) {
      assertEquals(diffId(tar), layer.diffId());
      assertArrayEquals(tar, export(layer));
    }
  }

  @Test
  void register_archiveOverLimit_refusedAndNothingLeft() throws IOException {
    store().close();
    use(builder(root()).limits(Limits.builder().maxEntries(2).build()).open());
    List<Object> before = state();
    byte[] tar = new TarBuilder().file("a", "").file("b", "").file("c", "").end().toBytes();
    ArchiveException e = Refusals.assertRefused(Kind.LIMIT_EXCEEDED, () -> register(tar));
    assertEquals(Optional.of("maxEntries"), e.limitName());
    assertEquals(before, state());
  }

  @Test
  void register_descriptor_isKeptWithTheLayer() throws IOException {
    byte[] tar = tar("a", "1");
    Descriptor descriptor =
        new Descriptor(
            "application/vnd.oci.image.layer.v1.tar",
            tar.length,
            diffId(tar).digest(),
            List.of("https://example.org/<a>&b"),
            Map.of("key", "value"),
            Optional.empty());
    RegisterOptions options = RegisterOptions.builder().descriptor(descriptor).build();
    ChainId chainId;
    try (Layer layer = store().register(LayerSource.of(tar), options)) {
      chainId = layer.chainId();
      assertEquals(descriptor, layer.descriptor().orElseThrow());
    }
    reopen();
    try (Layer layer = store().get(chainId);
        Layer without = register(tar("b", "2"))) {
      assertEquals(descriptor, layer.descriptor().orElseThrow());
      assertTrue(without.descriptor().isEmpty());
    }
  }

  @Test
  void register_pathTwice_exportedExactlyAndLastWins() throws IOException {
    byte[] tar =
        new TarBuilder()
            .file("a", "first")
            .file("d/x", "below")
            .file("./a", "second")
            .file("d", "now a file")
            .end()
            .toBytes();
    try (Layer layer = register(tar);
        Mount mount = layer.mount()) {
      assertArrayEquals(tar, export(layer));
      assertEquals("second", Files.readString(mount.path().resolve("a")));
      assertEquals("now a file", Files.readString(mount.path().resolve("d")));
    }
  }

  @Test
  void register_fileOverwrittenThroughLink_exportedExactly() throws IOException {
    byte[] tar =
        new TarBuilder()
            .directory("d/")
            .file("d/f", "one")
            .symlink("l", "d")
            .file("l/f", "two")
            .symlink("l", "e")
            .file("e/f", "three")
            .end()
            .toBytes();
    try (Layer layer = register(tar);
        Mount mount = layer.mount()) {
      assertArrayEquals(tar, export(layer));
      assertEquals("two", Files.readString(mount.path().resolve("d/f")));
    }
  }
}
