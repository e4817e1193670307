package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ArchiveException.Kind;
import io.layerstore.ChainId;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.RWLayerOptions;
import io.layerstore.ReadOnlyStoreException;
import io.layerstore.RegisterOptions;
import io.layerstore.StoreLockedException;
import io.layerstore.StoreNotFoundException;
import io.layerstore.StoreOptions;
import io.layerstore.StoreUser;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;

/** Opening a store and closing it. */
abstract class OpenAndCloseTests extends StoreTests {

  @Test
  void open_exclusivelyBesideAnother_locked() throws IOException {
    Path other = root().resolveSibling("other");
    try (LayerStore shared = builder(other).open()) {
      StoreLockedException e =
          assertThrows(StoreLockedException.class, () -> builder(other).exclusive().open());
      assertEquals(other, e.root());
      StoreUser user = shared.users().get(0);
      assertEquals(ProcessHandle.current().pid(), user.pid());
      assertTrue(e.getMessage().contains(user.describe()), e.getMessage());
    }
  }

  @Test
  void open_besideOneThatIsExclusive_locked() throws IOException {
    Path other = root().resolveSibling("other");
    try (LayerStore alone = builder(other).exclusive().open()) {
      StoreLockedException e =
          assertThrows(StoreLockedException.class, () -> builder(other).open());
      assertTrue(e.holder().orElseThrow().isExclusive());
      StoreUser user = alone.users().get(0);
      assertTrue(user.isThisStore());
      assertTrue(e.getMessage().contains(user.describe()), e.getMessage());
    }
  }

  @Test
  void open_exclusivelyWithALockTimeout_waits() throws Exception {
    Path other = root().resolveSibling("other");
    LayerStore first = builder(other).open();
    FutureTask<LayerStore> second =
        new FutureTask<>(
            () -> builder(other).exclusive().lockTimeout(Duration.ofMinutes(1)).open());
    Thread thread = new Thread(second);
    thread.start();
    first.close();
    second.get().close();
    thread.join();
  }

  @Test
  void open_unknownDriverOption_refused() throws IOException {
    Path other = root().resolveSibling("other");
    LayerStoreException e =
        assertThrows(
            LayerStoreException.class, () -> builder(other).driverOption("no.such", "x").open());
    assertTrue(e.getMessage().contains("no.such"), e.getMessage());
    builder(other).open().close();
  }

  @Test
  void open_refusedInANewDirectory_leavesNotEvenTheDirectories() throws IOException {
    Path above = root().resolveSibling("above");
    assertThrows(
        LayerStoreException.class,
        () -> builder(above.resolve("other")).driverOption("no.such", "x").open());
    assertFalse(Files.exists(above));
  }

  @Test
  void open_refusedInAnEmptyDirectory_leavesItEmpty() throws IOException {
    Path other = Files.createDirectory(root().resolveSibling("other"));
    assertThrows(
        LayerStoreException.class, () -> builder(other).driverOption("no.such", "x").open());
    assertEquals(List.of(), names(other));
  }

  @Test
  void open_refusedBesideOtherFiles_leavesThemAlone() throws IOException {
    Path other = Files.createDirectory(root().resolveSibling("other"));
    Files.writeString(other.resolve("mine"), "x");
    assertThrows(
        LayerStoreException.class,
        () ->
            builder(other)
                .create(StoreOptions.Creation.ANYWHERE)
                .driverOption("no.such", "x")
                .open());
    assertEquals(List.of("mine"), names(other));
  }

  @Test
  void open_neverCreate_leavesAnEmptyDirectoryEmpty() throws IOException {
    Path other = Files.createDirectory(root().resolveSibling("other"));
    StoreNotFoundException e =
        assertThrows(
            StoreNotFoundException.class,
            () -> builder(other).create(StoreOptions.Creation.NEVER).open());
    assertEquals(other, e.root());
    assertEquals(List.of(), names(other));
  }

  @Test
  void open_neverCreate_opensWhatThereIs() throws IOException {
    store().close();
    use(builder(root()).create(StoreOptions.Creation.NEVER).open());
    try (Layer layer = register(tar("a", "1"))) {
      assertEquals(1, layer.depth());
      assertEquals(1, store().layers().size());
    }
  }

  @Test
  void open_readOnlyOfAnEmptyDirectory_showsNothingAndLeavesItEmpty() throws IOException {
    Path other = Files.createDirectory(root().resolveSibling("other"));
    try (LayerStore reader = builder(other).readOnly(true).open()) {
      assertEquals(List.of(), reader.layers());
    }
    assertEquals(List.of(), names(other));
  }

  @Test
  void close_createdIfUsedAndNotUsed_leavesNotEvenTheDirectories() throws IOException {
    Path above = root().resolveSibling("above");
    try (LayerStore other =
        builder(above.resolve("other")).create(StoreOptions.Creation.IF_USED).open()) {
      byte[] bad = new TarBuilder().file("a", "1").file("../b", "2").end().toBytes();
      Refusals.assertRefused(
          Kind.BREAKOUT, () -> other.register(LayerSource.of(bad), RegisterOptions.DEFAULT));
    }
    assertFalse(Files.exists(above));
  }

  @Test
  void close_createdIfUsedWithALayerOfEmptyDirectories_keepsAll() throws IOException {
    Path other = root().resolveSibling("other");
    byte[] tar = new TarBuilder().directory("a").directory("a/b").end().toBytes();
    ChainId chainId;
    try (LayerStore first = builder(other).create(StoreOptions.Creation.IF_USED).open();
        Layer layer = first.register(LayerSource.of(tar), RegisterOptions.DEFAULT)) {
      chainId = layer.chainId();
    }
    try (LayerStore again = builder(other).create(StoreOptions.Creation.IF_USED).open();
        RWLayer rw = again.createRWLayer("rw", chainId);
        Mount mount = rw.mount()) {
      assertTrue(Files.isDirectory(mount.path().resolve("a/b")));
    }
  }

  @Test
  void close_createdIfUsedWithAReadWriteLayer_keepsIt() throws IOException {
    Path other = root().resolveSibling("other");
    try (LayerStore first = builder(other).create(StoreOptions.Creation.IF_USED).open()) {
      first.createRWLayer("rw").close();
    }
    try (LayerStore again = builder(other).create(StoreOptions.Creation.NEVER).open()) {
      assertEquals("rw", again.rwLayers().get(0).name());
    }
  }

  @Test
  void close_ifUsedOfAnEmptyStoreOfBefore_keepsIt() throws IOException {
    Path other = root().resolveSibling("other");
    builder(other).open().close();
    List<String> before = names(other);
    builder(other).create(StoreOptions.Creation.IF_USED).open().close();
    assertEquals(before, names(other));
  }

  @Test
  void open_otherMetadataPath_layersAreThereAndNotInDockersPlace() throws IOException {
    Path other = root().resolveSibling("other");
    StoreOptions.Builder elsewhere = builder(other).metadataPathTemplate("meta/%s/db");
    byte[] tar = tar("a", "1");
    ChainId chainId;
    try (LayerStore first = elsewhere.open();
        Layer layer = first.register(LayerSource.of(tar), RegisterOptions.DEFAULT)) {
      chainId = layer.chainId();
    }
    Path database = other.resolve("meta").resolve(store().driverName()).resolve("db");
    assertEquals(List.of(chainId.digest().hex()), names(database.resolve("sha256")));
    assertFalse(Files.exists(other.resolve("image")));
    try (LayerStore second = elsewhere.open();
        Layer layer = second.get(chainId)) {
      assertArrayEquals(tar, export(layer));
    }
  }

  @Test
  void open_readOnlyWhileWritten_seesWhatIsThere() throws IOException {
    try (Layer layer = register(tar("a", "1"));
        LayerStore reader = builder(root()).readOnly(true).open()) {
      assertEquals(1, reader.layers().size());
      try (Layer later = register(tar("b", "2"));
          Layer read = reader.get(later.chainId())) {
        assertArrayEquals(tar("b", "2"), export(read));
        assertTrue(reader.isReadOnly());
      }
      assertEquals(2, reader.layers().size());
      assertEquals(1, layer.usage().handles());
    }
  }

  @Test
  void open_readOnly_changesRefused() throws IOException {
    try (Layer layer = register(tar("a", "1"));
        LayerStore reader = builder(root()).readOnly(true).open();
        Layer read = reader.get(layer.chainId())) {
      assertThrows(
          ReadOnlyStoreException.class,
          () -> reader.register(LayerSource.of(tar("b", "2")), RegisterOptions.DEFAULT));
      assertThrows(ReadOnlyStoreException.class, () -> reader.createRWLayer("rw"));
      assertThrows(ReadOnlyStoreException.class, () -> reader.release(read));
      assertThrows(ReadOnlyStoreException.class, reader::cleanup);
    }
  }

  @Test
  void close_store_everyMethodIllegalState() throws IOException {
    Layer layer = register(tar("a", "1"));
    RWLayer rw = store().createRWLayer("rw");
    store().close();
    store().close();
    assertThrows(IllegalStateException.class, store()::layers);
    assertThrows(IllegalStateException.class, () -> register(tar("b", "2")));
    assertThrows(IllegalStateException.class, layer::tarStream);
    assertThrows(IllegalStateException.class, rw::mount);
    layer.close();
    rw.close();
  }

  @Test
  void close_withOpenStreamAndMount_endsThem() throws IOException {
    Layer layer = register(tar("a", "1"));
    InputStream tar = layer.tarStream();
    RWLayer rw = store().createRWLayer("rw", layer.chainId());
    Mount mount = rw.mount();
    store().close();
    assertThrows(IOException.class, tar::readAllBytes);
    mount.close();
  }

  @Test
  void close_fromInsideACall_refused() throws IOException {
    RWLayerOptions options =
        RWLayerOptions.builder()
            .initializer(path -> assertThrows(IllegalStateException.class, () -> store().close()))
            .build();
    store().createRWLayer("rw", options).close();
  }

  @Test
  void close_store_leavesNoThread() throws Exception {
    store().close();
    LibraryThreads threads = LibraryThreads.now();
    use(builder(root()).open());
    register(tar("a", "1")).close();
    store().close();
    assertEquals(List.of(), threads.begunSince());
  }

  @Test
  void executor_thatNeverRunsTasks_operationsStillFinish() throws IOException {
    store().close();
    use(builder(root()).executor(task -> {}).open());
    byte[] tar = tar("a", "1".repeat(3_000_000));
    try (Layer layer = register(tar)) {
      assertArrayEquals(tar, export(layer));
    }
  }

  @Test
  void executor_thatRunsInTheCaller_operationsStillFinish() throws IOException {
    store().close();
    use(builder(root()).executor(Runnable::run).open());
    byte[] tar = tar("a", "1".repeat(3_000_000));
    try (Layer layer = register(tar)) {
      assertArrayEquals(tar, export(layer));
    }
  }

  @Test
  void driverChoice_named_saysSo() throws LayerStoreException {
    assertEquals(store().driverName(), store().driverChoice().driver());
    assertFalse(store().driverChoice().reason().isEmpty());
    assertFalse(store().driverStatus().facts().isEmpty());
  }
}
