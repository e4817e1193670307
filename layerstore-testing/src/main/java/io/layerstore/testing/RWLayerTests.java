package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.Layer;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerNotRetainedException;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.MaxDepthExceededException;
import io.layerstore.Mount;
import io.layerstore.MountBusyException;
import io.layerstore.NameConflictException;
import io.layerstore.RWLayer;
import io.layerstore.RWLayerInfo;
import io.layerstore.RWLayerNotFoundException;
import io.layerstore.RWLayerOptions;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Read-write layers: creation, handles, mounts, deletion. */
abstract class RWLayerTests extends StoreTests {

  @Test
  void createRWLayer_changeInMount_seenInChangesSizeAndTar() throws IOException {
    try (Layer base = register(AppendixA.TWO_BASE.bytes());
        RWLayer rw = store().createRWLayer("rw", base.chainId())) {
      try (Mount mount = rw.mount()) {
        Files.writeString(mount.path().resolve("etc/new"), "four");
        Files.delete(mount.path().resolve("etc/a"));
      }
      assertEquals(List.of("C /etc", "D /etc/a", "A /etc/new"), changes(rw));
      assertEquals(4, rw.sizeBytes());
      store().releaseRWLayer(rw);
    }
  }

  @Test
  void createRWLayer_unchanged_emptyTarAndNoChanges() throws IOException {
    try (Layer base = register(AppendixA.TWO_BASE.bytes());
        RWLayer rw = store().createRWLayer("rw", base.chainId());
        InputStream tar = rw.tarStream()) {
      assertEquals(List.of(), changes(rw));
      assertEquals(0, rw.sizeBytes());
      assertArrayEquals(new byte[1024], tar.readAllBytes());
    }
  }

  @Test
  void createRWLayer_onNothing_everythingIsAdded() throws IOException {
    try (RWLayer rw = store().createRWLayer("rw")) {
      try (Mount mount = rw.mount()) {
        Files.writeString(mount.path().resolve("a"), "1");
      }
      assertTrue(rw.parent().isEmpty());
      assertEquals(List.of("A /a"), changes(rw));
      try (Layer layer = rw.commit()) {
        assertTrue(layer.parent().isEmpty());
      }
    }
  }

  @Test
  void createRWLayer_nameTaken_conflict() throws IOException {
    try (RWLayer rw = store().createRWLayer("rw")) {
      assertEquals("rw", rw.name());
      NameConflictException e =
          assertThrows(NameConflictException.class, () -> store().createRWLayer("rw"));
      assertEquals("rw", e.name());
    }
  }

  @Test
  void createRWLayer_nameOf10KiB_illegalArgument() {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class, () -> store().createRWLayer("x".repeat(10 << 10)));
    assertTrue(e.getMessage().length() < 1000, "the message has the whole name");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "..", "a/b", ".x", "a b", "\u00e9"})
  void createRWLayer_invalidName_illegalArgument(String name) {
    assertThrows(IllegalArgumentException.class, () -> store().createRWLayer(name));
  }

  @Test
  void createRWLayer_unknownParent_notFoundAndNothingLeft() throws IOException {
    List<Object> before = state();
    assertThrows(
        LayerNotFoundException.class,
        () -> store().createRWLayer("rw", ChainId.of(null, DiffId.EMPTY_TAR)));
    assertEquals(before, state());
  }

  @Test
  void createRWLayer_withInitializer_neitherInChangesNorInSize() throws IOException {
    RWLayerOptions options =
        RWLayerOptions.builder()
            .initializer(path -> Files.writeString(path.resolve("hosts"), "localhost"))
            .build();
    try (Layer base = register(tar("a", "1"));
        RWLayer rw =
            store().createRWLayer("rw", options.toBuilder().parent(base.chainId()).build());
        Mount mount = rw.mount()) {
      assertEquals("localhost", Files.readString(mount.path().resolve("hosts")));
      assertEquals(List.of(), changes(rw));
      assertEquals(0, rw.sizeBytes());
      assertEquals(rw.mountId() + "-init", store().rwLayers().get(0).initId().orElseThrow());
    }
  }

  @Test
  void createRWLayer_failingInitializer_nothingLeftAndNameFree() throws IOException {
    try (Layer base = register(tar("a", "1"))) {
      List<Object> before = state();
      RWLayerOptions options =
          RWLayerOptions.builder()
              .initializer(
                  path -> {
                    throw new IOException("no");
                  })
              .build();
      assertThrows(
          LayerStoreException.class,
          () -> store().createRWLayer("rw", options.toBuilder().parent(base.chainId()).build()));
      assertEquals(before, state());
      store().createRWLayer("rw", base.chainId()).close();
    }
  }

  @Test
  void createRWLayer_initializerThatThrowsUnchecked_nothingLeft() throws IOException {
    List<Object> before = state();
    RWLayerOptions options =
        RWLayerOptions.builder()
            .initializer(
                path -> {
                  throw new IllegalArgumentException("no");
                })
            .build();
    assertThrows(IllegalArgumentException.class, () -> store().createRWLayer("rw", options));
    assertEquals(before, state());
  }

  @Test
  void createRWLayer_unknownStorageOption_refusedAndNothingLeft() throws IOException {
    List<Object> before = state();
    RWLayerOptions options = RWLayerOptions.builder().storageOption("colour", "red").build();
    assertThrows(LayerStoreException.class, () -> store().createRWLayer("rw", options));
    assertEquals(before, state());
  }

  @Test
  void createRWLayer_sizeOption_refusedAndNothingLeft() throws IOException {
    List<Object> before = state();
    RWLayerOptions options = RWLayerOptions.builder().storageOption("size", "1g").build();
    assertThrows(LayerStoreException.class, () -> store().createRWLayer("rw", options));
    assertEquals(before, state());
  }

  @Test
  void rwLayers_several_areSortedByName() throws IOException {
    for (String name : List.of("b", "a.1", "A", "a")) {
      store().createRWLayer(name).close();
    }
    assertEquals(
        List.of("A", "a", "a.1", "b"), store().rwLayers().stream().map(RWLayerInfo::name).toList());
  }

  @Test
  void close_mounted_leavesTheMount() throws IOException {
    RWLayer rw = store().createRWLayer("rw");
    try (Mount mount = rw.mount()) {
      rw.close();
      Files.writeString(mount.path().resolve("a"), "1");
      assertEquals(1, store().rwLayers().get(0).mounts());
    }
    try (RWLayer again = store().getRWLayer("rw")) {
      assertEquals(List.of("A /a"), changes(again));
    }
  }

  @Test
  void getRWLayer_unknown_notFound() {
    assertThrows(RWLayerNotFoundException.class, () -> store().getRWLayer("rw"));
    assertThrows(RWLayerNotFoundException.class, () -> store().mountId("rw"));
  }

  @Test
  void getRWLayer_afterReopen_sameFilesAndParentHeld() throws IOException {
    ChainId parent;
    String mountId;
    try (Layer base = register(tar("a", "1"));
        RWLayer rw = store().createRWLayer("rw", base.chainId())) {
      parent = base.chainId();
      mountId = rw.mountId();
      try (Mount mount = rw.mount()) {
        Files.writeString(mount.path().resolve("b"), "2");
      }
    }
    reopen();
    assertEquals(mountId, store().mountId("rw"));
    try (RWLayer rw = store().getRWLayer("rw")) {
      assertEquals(List.of("A /b"), changes(rw));
      assertEquals(parent, rw.parent().orElseThrow());
      assertEquals(List.of(), store().release(store().get(parent)));
      assertEquals(1, store().releaseRWLayer(rw).size());
    }
  }

  @Test
  void mount_closedLazily_countsAsClosed() throws IOException {
    RWLayer rw = store().createRWLayer("rw");
    Mount first = rw.mount();
    Mount second = rw.mount();
    first.closeLazily();
    first.close();
    assertTrue(Files.exists(second.path()));
    assertThrows(MountBusyException.class, () -> store().releaseRWLayer(rw));
    second.closeLazily();
    store().releaseRWLayer(rw);
  }

  @Test
  void mount_filesAreGone_failureNamesTheLayerAsItsUserDoes() throws IOException {
    try (Layer base = register(tar("a", "1"));
        RWLayer rw = store().createRWLayer("box", base.chainId())) {
      Path files = filesOf(rw.mountId());
      Path away = files.resolveSibling("away");
      Files.move(files, away);
      LayerStoreException e = assertThrows(LayerStoreException.class, rw::mount);
      Files.move(away, files);
      assertTrue(e.getMessage().contains("read-write layer box"), e.getMessage());
      assertFalse(e.getMessage().contains("layer " + rw.mountId()), e.getMessage());
    }
  }

  @Test
  void mountOfLayer_filesAreGone_failureNamesTheChainId() throws IOException {
    try (Layer base = register(tar("a", "1"));
        Layer upper = register(tar("b", "2"), base.chainId())) {
      Path files = filesOf(upper.cacheId());
      Path away = files.resolveSibling("away");
      Files.move(files, away);
      LayerStoreException e = assertThrows(LayerStoreException.class, upper::mount);
      Files.move(away, files);
      assertTrue(e.getMessage().contains("layer " + upper.chainId()), e.getMessage());
      assertFalse(e.getMessage().contains("layer " + upper.cacheId()), e.getMessage());
    }
  }

  private Path filesOf(String driverId) throws IOException {
    try (Stream<Path> files = Files.walk(root().resolve(store().driverName()), 2)) {
      return files
          .filter(path -> path.endsWith(driverId) && Files.isDirectory(path))
          .findFirst()
          .orElseThrow();
    }
  }

  @Test
  void mount_twice_thereUntilTheSecondClose() throws IOException {
    try (RWLayer rw = store().createRWLayer("rw")) {
      Mount first = rw.mount();
      Mount second = rw.mount();
      assertEquals(first.path(), second.path());
      assertEquals(2, store().rwLayers().get(0).mounts());
      first.close();
      first.close();
      Files.writeString(second.path().resolve("a"), "1");
      second.close();
      assertEquals(0, store().rwLayers().get(0).mounts());
    }
  }

  @Test
  void releaseRWLayer_mounted_refusedAndHandleStaysGood() throws IOException {
    RWLayer rw = store().createRWLayer("rw");
    try (Mount mount = rw.mount()) {
      Files.writeString(mount.path().resolve("a"), "1");
      MountBusyException e =
          assertThrows(MountBusyException.class, () -> store().releaseRWLayer(rw));
      assertEquals("rw", e.name());
    }
    assertEquals(List.of("A /a"), changes(rw));
    store().releaseRWLayer(rw);
    assertEquals(List.of(), store().rwLayers());
  }

  @Test
  void releaseRWLayer_spentHandle_notRetained() throws IOException {
    RWLayer rw = store().createRWLayer("rw");
    store().releaseRWLayer(rw);
    assertThrows(LayerNotRetainedException.class, () -> store().releaseRWLayer(rw));
    store().createRWLayer("rw").close();
    assertThrows(LayerNotRetainedException.class, () -> store().releaseRWLayer(rw));
    assertEquals(1, store().rwLayers().size());
  }

  @Test
  void createRWLayer_onTheDeepestChain_showsItsFilesAndCannotBeCommitted() throws IOException {
    Layer top = register(tar("deepest", "0"));
    for (int i = 1; i < LayerStore.MAX_DEPTH; i++) {
      top.close();
      top = register(tar("f" + i, "x"), top.chainId());
    }
    RWLayerOptions options =
        RWLayerOptions.builder()
            .initializer(path -> Files.writeString(path.resolve("init"), "1"))
            .build();
    try (RWLayer rw =
            store().createRWLayer("rw", options.toBuilder().parent(top.chainId()).build());
        Mount mount = rw.mount()) {
      assertEquals("0", Files.readString(mount.path().resolve("deepest")));
      assertEquals(LayerStore.MAX_DEPTH + 1, tree(mount.path()).size());
      assertEquals(List.of(), changes(rw));
      List<Object> before = state();
      MaxDepthExceededException e = assertThrows(MaxDepthExceededException.class, rw::commit);
      assertEquals(LayerStore.MAX_DEPTH, e.limit());
      assertEquals(before, state());
    }
    top.close();
  }

  @Test
  void releaseRWLayer_withOtherHandle_deletesNothing() throws IOException {
    RWLayer first = store().createRWLayer("rw");
    RWLayer second = store().getRWLayer("rw");
    assertEquals(List.of(), store().releaseRWLayer(first));
    assertEquals(1, store().rwLayers().size());
    store().releaseRWLayer(second);
    assertEquals(List.of(), store().rwLayers());
    assertThrows(LayerNotRetainedException.class, () -> store().releaseRWLayer(second));
  }

  @Test
  void close_lastHandle_deletesNothing() throws IOException {
    RWLayer rw = store().createRWLayer("rw");
    rw.close();
    rw.close();
    assertThrows(IllegalStateException.class, rw::mount);
    store().releaseRWLayer(store().getRWLayer("rw"));
  }

  @Test
  void metadata_ofLayers_namesDirectories() throws IOException {
    try (Layer base = register(tar("a", "1"));
        RWLayer rw = store().createRWLayer("rw", base.chainId())) {
      assertFalse(base.metadata().isEmpty());
      assertFalse(rw.metadata().isEmpty());
    }
  }

  @Test
  void mount_fromManyThreads_countedExactly() throws Exception {
    try (RWLayer rw = store().createRWLayer("rw")) {
      inThreads(
          8,
          () -> {
            for (int i = 0; i < 20; i++) {
              try (Mount mount = rw.mount()) {
                assertTrue(Files.isDirectory(mount.path()));
              }
            }
            return true;
          });
      assertEquals(0, store().rwLayers().get(0).mounts());
    }
  }
}
