package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.layerstore.ChainId;
import io.layerstore.CommitOptions;
import io.layerstore.DiffId;
import io.layerstore.Layer;
import io.layerstore.LayerNotFoundException;
import io.layerstore.Mount;
import io.layerstore.MountBusyException;
import io.layerstore.MountOptions;
import io.layerstore.RWLayer;
import io.layerstore.RWLayerInfo;
import io.layerstore.RWLayerOptions;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Temporary read-write layers. */
abstract class TemporaryRWLayerTests extends StoreTests {

  @Test
  void createTemporaryRWLayer_twice_isTwoLayers() throws IOException {
    try (Layer base = register(tar("a", "1"));
        RWLayer first = store().createTemporaryRWLayer(base.chainId());
        RWLayer second = store().createTemporaryRWLayer(base.chainId())) {
      try (Mount mount = first.mount()) {
        mount.file("new").writeString("1");
      }

      assertEquals(List.of("A /new"), changes(first));
      assertEquals(List.of(), changes(second));
      assertEquals(List.of(first.name(), second.name()).stream().sorted().toList(), rwNames());
    }
  }

  @Test
  void close_lastHandle_deletesItAndNothingElse() throws IOException {
    try (Layer base = register(tar("a", "1"))) {
      List<Object> before = state();
      RWLayerOptions options =
          RWLayerOptions.builder().initializer(root -> root.file("i").writeString("1")).build();

      store().createTemporaryRWLayer(options.toBuilder().parent(base.chainId()).build()).close();

      assertEquals(before, state());
    }
  }

  @Test
  void close_anotherHandle_staysUntilThatIsClosed() throws IOException {
    RWLayer first = store().createTemporaryRWLayer();
    RWLayer second = store().getRWLayer(first.name());

    first.close();
    first.close();
    assertEquals(List.of(second.name()), rwNames());
    second.close();

    assertEquals(List.of(), rwNames());
  }

  @Test
  void close_mounted_staysUntilTheMountIsClosed() throws IOException {
    RWLayer layer = store().createTemporaryRWLayer();
    Mount mount = layer.mount();

    layer.close();
    mount.file("new").writeString("1");
    assertEquals("1", mount.file("new").readString());
    mount.close();

    assertEquals(List.of(), rwNames());
    assertEquals(Set.of(), driverDirectories(root()));
  }

  @Test
  void close_committing_leavesTheNewLayer() throws IOException {
    Layer committed;
    try (RWLayer layer = store().createTemporaryRWLayer()) {
      try (Mount mount = layer.mount()) {
        mount.file("new").writeString("1");
      }
      committed = layer.commit(CommitOptions.builder().releaseAfterwards(true).build());
    }

    assertEquals(List.of(), rwNames());
    assertEquals(1, committed.depth());
    committed.close();
  }

  @Test
  void releaseRWLayer_temporary_deletesIt() throws IOException {
    RWLayer layer = store().createTemporaryRWLayer();

    store().releaseRWLayer(layer);

    assertEquals(List.of(), rwNames());
    assertEquals(Set.of(), driverDirectories(root()));
  }

  @Test
  void releaseRWLayer_temporaryAndMounted_isRefused() throws IOException {
    RWLayer layer = store().createTemporaryRWLayer();
    try (Mount mount = layer.mount()) {
      assertThrows(MountBusyException.class, () -> store().releaseRWLayer(layer));
      mount.file("new").writeString("1");
    }
    assertEquals(List.of("A /new"), changes(layer));
    layer.close();
  }

  @Test
  void release_parentOfATemporary_isHeldByIt() throws IOException {
    Layer base = register(tar("a", "1"));
    RWLayer layer = store().createTemporaryRWLayer(base.chainId());

    assertEquals(List.of(layer.name()), base.usage().rwLayers());
    assertEquals(List.of(), store().release(base));
    layer.close();

    assertEquals(1, store().layers().size());
  }

  @Test
  void cleanup_temporaryInUse_staysAsItIs() throws IOException {
    try (RWLayer layer = store().createTemporaryRWLayer();
        Mount mount = layer.mount()) {
      mount.file("new").writeString("1");

      assertEquals(List.of(), store().cleanup().findings());

      assertEquals("1", mount.file("new").readString());
    }
  }

  @Test
  void mount_persistent_isRefused() throws IOException {
    try (RWLayer layer = store().createTemporaryRWLayer()) {
      assertThrows(IllegalArgumentException.class, () -> layer.mount(MountOptions.persistent()));
    }
  }

  @Test
  void close_storeWithTemporaryInUse_deletesIt() throws IOException {
    try (Layer base = register(tar("a", "1"))) {
      List<Object> before = state();
      RWLayer layer = store().createTemporaryRWLayer(base.chainId());
      List<Mount> mounts = List.of(layer.mount(), layer.mount());

      reopen();

      assertThrows(IllegalStateException.class, () -> mounts.get(0).file("a").readString());

      layer.close();
      assertEquals(List.of(), store().recoveryReport().findings());
      assertEquals(before.subList(1, before.size()), state().subList(1, before.size()));
    }
  }

  @Test
  void createTemporaryRWLayer_missingParent_refusedAndNothingLeft() throws IOException {
    List<Object> before = state();
    assertThrows(
        LayerNotFoundException.class,
        () -> store().createTemporaryRWLayer(ChainId.of(null, DiffId.EMPTY_TAR)));
    assertEquals(before, state());
  }

  private List<String> rwNames() {
    return store().rwLayers().stream().map(RWLayerInfo::name).toList();
  }
}
