package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.layerstore.ChainId;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerNotRetainedException;
import io.layerstore.LayerSource;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Giving layers back. */
abstract class ReleaseTests extends StoreTests {

  @Test
  void release_parentWhileAChildComesIn_keepsItForTheChild() throws IOException {
    Layer parent = register(tar("a", "1"));
    LayerSource child =
        () -> {
          // Another thread, because the one that opens the source may hold locks.
          assertEquals(
              List.of(),
              CompletableFuture.supplyAsync(() -> releaseNow(parent), StoreTests::inThreadOfItsOwn)
                  .join());
          return new ByteArrayInputStream(tar("b", "2"));
        };

    Layer layer = store().register(child, RegisterOptions.onTopOf(parent.chainId()));

    assertArrayEquals(tar("b", "2"), export(layer));
    assertEquals(2, store().release(layer).size());
  }

  private List<LayerInfo> releaseNow(Layer layer) {
    try {
      return store().release(layer);
    } catch (LayerStoreException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void release_leaf_deletesUnreferencedAncestorsChildFirst() throws IOException {
    Layer base = register(tar("a", "1"));
    Layer middle = register(tar("b", "22"), base.chainId());
    Layer top = register(tar("c", "333"), middle.chainId());
    base.close();
    middle.close();
    List<LayerInfo> deleted = store().release(top);
    LayerInfo.Usage unused = new LayerInfo.Usage(0, List.of(), List.of(), List.of());
    assertEquals(
        List.of(
            top.chainId() + " 6 3 " + unused,
            middle.chainId() + " 3 2 " + unused,
            base.chainId() + " 1 1 " + unused),
        deleted.stream()
            .map(l -> l.chainId() + " " + l.sizeBytes() + " " + l.diffSizeBytes() + " " + l.usage())
            .toList());
    assertEquals(List.of(), store().layers());
    assertEquals(Set.of(), driverDirectories(root()));
  }

  @Test
  void release_layerWithChild_keptAndChildNamed() throws IOException {
    Layer base = register(tar("a", "1"));
    try (Layer top = register(tar("b", "2"), base.chainId())) {
      assertEquals(List.of(top.chainId()), base.usage().children());
      assertEquals(List.of(), store().release(base));
      assertEquals(2, store().layers().size());
    }
  }

  @Test
  void release_bottomUp_lastReleaseDeletesAll() throws IOException {
    Layer base = register(tar("a", "1"));
    Layer top = register(tar("b", "2"), base.chainId());
    assertEquals(List.of(), store().release(base));
    assertEquals(2, store().release(top).size());
  }

  @Test
  void release_layerWithRWLayer_kept() throws IOException {
    Layer base = register(tar("a", "1"));
    try (RWLayer rw = store().createRWLayer("rw", base.chainId())) {
      assertEquals(List.of("rw"), base.usage().rwLayers());
      assertEquals(List.of(), store().release(base));
      assertEquals(1, store().releaseRWLayer(rw).size());
    }
  }

  @Test
  void release_spentHandle_notRetained() throws IOException {
    Layer first = register(tar("a", "1"));
    try (Layer second = store().get(first.chainId())) {
      assertEquals(List.of(), store().release(first));
      assertThrows(LayerNotRetainedException.class, () -> store().release(first));
      assertEquals(1, second.usage().handles());
    }
  }

  @Test
  void close_lastHandle_deletesNothing() throws IOException {
    Layer layer = register(tar("a", "1"));
    layer.close();
    layer.close();
    assertEquals(1, store().layers().size());
    assertThrows(IllegalStateException.class, layer::tarStream);
    assertThrows(LayerNotRetainedException.class, () -> store().release(layer));
  }

  @Test
  void release_thenRegisterSameContent_newIndependentLayer() throws IOException {
    byte[] tar = tar("a", "1");
    Layer first = register(tar);
    String oldCacheId = first.cacheId();
    store().release(first);
    try (Layer second = register(tar)) {
      assertNotEquals(oldCacheId, second.cacheId());
      assertArrayEquals(tar, export(second));
    }
  }

  @Test
  void release_mountedLayer_keptUntilUnmounted() throws IOException {
    Layer layer = register(tar("a", "1"));
    ChainId chainId = layer.chainId();
    try (Mount mount = layer.mount()) {
      assertEquals(List.of(), store().release(layer));
      assertEquals("1", Files.readString(mount.path().resolve("a")));
    }
    assertEquals(1, store().release(store().get(chainId)).size());
  }

  @Test
  void release_registerAndReleaseFromManyThreads_consistent() throws Exception {
    byte[] base = tar("a", "1");
    byte[] top = tar("b", "2");
    inThreads(
        4,
        () -> {
          for (int i = 0; i < 10; i++) {
            Layer below = register(base);
            Layer above = register(top, below.chainId());
            assertArrayEquals(top, export(above));
            store().release(below);
            store().release(above);
          }
          return true;
        });
    assertEquals(List.of(), store().layers());
    assertEquals(Set.of(), driverDirectories(root()));
  }
}
