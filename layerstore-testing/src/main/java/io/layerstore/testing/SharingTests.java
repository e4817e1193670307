package io.layerstore.testing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.Image;
import io.layerstore.ImageReference;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.MountBusyException;
import io.layerstore.NameConflictException;
import io.layerstore.Progress;
import io.layerstore.PruneOptions;
import io.layerstore.RWLayer;
import io.layerstore.RWLayerNotFoundException;
import io.layerstore.RegisterOptions;
import io.layerstore.StoreLockedException;
import io.layerstore.StoreUser;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Two stores on one root: what one has acknowledged, the other sees at its next call. */
abstract class SharingTests extends StoreTests {

  private static final @Nullable ChainId NO_PARENT = null;

  private LayerStore other;

  @BeforeEach
  void openOther() throws LayerStoreException {
    other = builder(root()).open();
  }

  @AfterEach
  void closeOther() throws LayerStoreException {
    other.close();
  }

  private static Layer register(LayerStore store, @Nullable ChainId parent, String content)
      throws LayerStoreException {
    return store.register(new TarBuilder().file("f", content).end().toStream(), parent);
  }

  private static Image image(LayerStore store, Layer layer) throws LayerStoreException {
    return store
        .images()
        .create(
            "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}"
                .formatted(layer.diffId())
                .getBytes(UTF_8));
  }

  @Test
  void get_registeredByAnotherStore_isFound() throws IOException {
    try (Layer layer = register(store(), NO_PARENT, "a");
        Layer seen = other.get(layer.chainId())) {
      assertEquals(layer.cacheId(), seen.cacheId());
    }
  }

  @Test
  void layers_registeredAndReleasedByAnotherStore_areAsOnTheDisk() throws IOException {
    Layer base = register(store(), NO_PARENT, "a");
    Layer top = register(store(), base.chainId(), "b");
    assertEquals(
        List.of(base.chainId(), top.chainId()).stream().sorted().toList(),
        other.layers().stream().map(LayerInfo::chainId).toList());
    base.close();
    store().release(top);

    assertEquals(List.of(), other.layers());
    assertThrows(LayerNotFoundException.class, () -> other.get(top.chainId()));
  }

  @Test
  void release_heldByAnotherStore_keepsTheLayer() throws IOException {
    Layer layer = register(store(), NO_PARENT, "a");
    Layer seen = other.get(layer.chainId());

    assertEquals(1, seen.usage().otherHolders().size());
    assertEquals(List.of(), store().release(layer));
    seen.tarStream().close();
    assertEquals(1, other.release(seen).size());
    assertEquals(List.of(), store().layers());
  }

  @Test
  void release_layerThatAnotherStoreHasBuiltOn_keepsIt() throws IOException {
    Layer base = register(store(), NO_PARENT, "a");
    Layer top = register(other, base.chainId(), "b");

    assertEquals(List.of(), store().release(base));
    assertEquals(2, other.release(top).size());
  }

  @Test
  void release_onALayerThatAnotherStoreDeletedAndMadeAgain_deletesWhatIsThereNow()
      throws IOException {
    Layer base = register(store(), NO_PARENT, "a");
    ChainId baseId = base.chainId();
    assertEquals(1, other.layers().size());
    store().release(base);
    Layer again = register(store(), NO_PARENT, "a");
    Layer top = register(store(), again.chainId(), "b");
    again.close();

    Layer seen = other.get(top.chainId());
    top.close();
    assertEquals(
        List.of(top.chainId(), baseId),
        other.release(seen).stream().map(LayerInfo::chainId).toList());
    // No file of either is left: see what is checked after each test.
    assertEquals(List.of(), store().layers());
  }

  @Test
  void release_layerOfAnImageThatAnotherStoreDeletedAndMadeAgain_keepsIt() throws IOException {
    Layer first = register(store(), NO_PARENT, "a");
    Image image = image(store(), first);
    first.close();
    assertEquals(1, other.images().list().size());
    assertEquals(1, store().images().delete(image.id(), true).size());

    Layer again = register(other, NO_PARENT, "a");
    try (Layer held = store().get(again.chainId())) {
      image(store(), held);
    }

    assertEquals(List.of(), other.release(again));
    assertEquals(
        List.of(again.chainId()), store().layers().stream().map(LayerInfo::chainId).toList());
    assertEquals(1, other.images().delete(image.id(), true).size());
  }

  @Test
  void register_whatAnotherStoreHas_isThatLayer() throws IOException {
    try (Layer first = register(store(), NO_PARENT, "a");
        Layer second = register(other, NO_PARENT, "a")) {
      assertEquals(first.cacheId(), second.cacheId());
    }
  }

  @Test
  void register_announcedLayerThatAnotherStoreHas_isNotRead() throws IOException {
    try (Layer first = register(store(), NO_PARENT, "a");
        Layer second =
            other.register(
                () -> {
                  throw new IOException("read");
                },
                RegisterOptions.builder().expectedDiffId(first.diffId()).build())) {
      assertEquals(first.cacheId(), second.cacheId());
    }
  }

  @Test
  void register_announcedLayerThatAnotherStoreUnpacks_waitsAndSaysForWhom() throws Exception {
    byte[] tar = new TarBuilder().file("f", "a").end().toBytes();
    DiffId diffId = new DiffId(Digest.sha256Of(tar));
    CountDownLatch isRead = new CountDownLatch(1);
    CountDownLatch isTold = new CountDownLatch(1);
    FutureTask<Layer> first =
        new FutureTask<>(
            () ->
                store()
                    .register(
                        () -> {
                          isRead.countDown();
                          awaitQuietly(isTold);
                          return new ByteArrayInputStream(tar);
                        },
                        RegisterOptions.builder().expectedDiffId(diffId).build()));
    inThreadOfItsOwn(first);
    isRead.await();
    List<Progress> told = new CopyOnWriteArrayList<>();
    RegisterOptions options =
        RegisterOptions.builder()
            .expectedDiffId(diffId)
            .progress(
                progress -> {
                  told.add(progress);
                  isTold.countDown();
                })
            .build();

    try (Layer second =
        other.register(
            () -> {
              throw new IOException("read");
            },
            options)) {
      assertEquals(second.cacheId(), first.get().cacheId());
      assertEquals(Progress.Phase.WAITING, told.get(0).phase());
      assertEquals(ProcessHandle.current().pid(), told.get(0).waitingFor().orElseThrow().pid());
      assertEquals(
          Optional.of(diffId), told.get(0).layer().flatMap(Progress.LayerProgress::diffId));
      first.get().close();
    }
  }

  @Test
  void prune_heldByAnotherStore_sparesIt() throws IOException {
    Layer layer = register(store(), NO_PARENT, "a");
    other.images().prune(PruneOptions.builder().layers(true).build());

    assertEquals(1, other.layers().size());
    layer.close();
    other.images().prune(PruneOptions.builder().layers(true).build());
    assertEquals(List.of(), store().layers());
  }

  @Test
  void images_createdNamedAndDeletedByAnotherStore_areAsOnTheDisk() throws IOException {
    Layer layer = register(store(), NO_PARENT, "a");
    Image image = image(store(), layer);
    ImageReference name = ImageReference.parse("name:1");
    store().images().references().addTag(name, image.id(), false);
    layer.close();

    assertEquals(image.id(), other.images().resolve("name:1").id());
    ImageReference second = ImageReference.parse("name:2");
    other.images().references().addTag(second, image.id(), false);
    assertTrue(store().images().references().find(second).isPresent());
    other.images().references().remove(second);
    other.images().delete(image.id(), false);

    assertEquals(List.of(), store().images().list());
    assertFalse(store().images().references().find(name).isPresent());
    assertEquals(List.of(), store().layers());
  }

  @Test
  void createRWLayer_nameOfAnotherStores_conflicts() throws IOException {
    try (RWLayer layer = store().createRWLayer("name")) {
      assertThrows(NameConflictException.class, () -> other.createRWLayer("name"));
      assertEquals(layer.mountId(), other.mountId("name"));
    }
  }

  @Test
  void releaseRWLayer_openInAnotherStore_isRefusedAndNamed() throws IOException {
    RWLayer layer = store().createRWLayer("name");
    RWLayer seen = other.getRWLayer("name");

    MountBusyException e =
        assertThrows(MountBusyException.class, () -> store().releaseRWLayer(layer));
    assertEquals(1, e.holders().size());
    seen.close();
    store().releaseRWLayer(layer);
    assertThrows(RWLayerNotFoundException.class, () -> other.getRWLayer("name"));
    assertEquals(List.of(), other.rwLayers());
  }

  @Test
  void layers_onWhichAnotherStoreHasReleasedTheReadWriteLayer_areGone() throws IOException {
    Layer base = register(store(), NO_PARENT, "a");
    RWLayer layer = store().createRWLayer("name", base.chainId());
    assertEquals(1, other.layers().size());
    assertEquals(1, other.rwLayers().size());
    base.close();
    store().releaseRWLayer(layer);

    assertEquals(List.of(), other.layers());
    assertEquals(List.of(), other.rwLayers());
  }

  @Test
  void mount_readOnlyLayerMountedByAnotherStore_works() throws IOException {
    try (Layer layer = register(store(), NO_PARENT, "a");
        Layer seen = other.get(layer.chainId());
        Mount first = layer.mount()) {
      try (Mount second = seen.mount()) {
        assertEquals("a", new String(second.file("/f").readAllBytes(), UTF_8));
      }
      assertEquals("a", new String(first.file("/f").readAllBytes(), UTF_8));
    }
  }

  /** An ordinary user's kernel mounts are where no other process sees them. */
  private void requireSharedMounts() {
    assumeTrue(
        !store().driverName().equals("overlay2") || Machine.isRoot(),
        "mounts of an ordinary user cannot be shared");
  }

  private RWLayer readWrite() throws LayerStoreException {
    try (Layer base = register(store(), NO_PARENT, "a")) {
      return store().createRWLayer("name", base.chainId());
    }
  }

  private static String read(Mount mount, String path) throws IOException {
    return new String(mount.file(path).readAllBytes(), UTF_8);
  }

  @Test
  void mount_readWriteLayerMountedByAnotherStore_isTheSame() throws IOException {
    requireSharedMounts();
    try (RWLayer layer = readWrite();
        RWLayer seen = other.getRWLayer("name")) {
      Mount first = layer.mount();
      try (Mount second = seen.mount()) {
        assertEquals(first.path(), second.path());
        first.file("/w").write("1".getBytes(UTF_8));
        assertEquals("1", read(second, "/w"));
        second.file("/w").write("2".getBytes(UTF_8));
        assertEquals("2", read(first, "/w"));
        first.close();

        assertEquals("a", read(second, "/f"));
        assertEquals("2", read(second, "/w"));
        try (Mount third = layer.mount()) {
          assertEquals("2", read(third, "/w"));
        }
        assertEquals("2", read(second, "/w"));
      }
      assertEquals(List.of("A /w"), changes(layer));
    }
  }

  @Test
  void close_whileAnotherStoreHasTheSameMount_leavesIt() throws IOException {
    requireSharedMounts();
    RWLayer layer = readWrite();
    try (RWLayer seen = other.getRWLayer("name")) {
      layer.mount();
      try (Mount second = seen.mount()) {
        store().close();
        second.file("/w").write("2".getBytes(UTF_8));
        assertEquals("a", read(second, "/f"));
        assertEquals("2", read(second, "/w"));
      }
    }
  }

  @Test
  void mount_readWriteLayerMountedByAnotherStoreOfAnOrdinaryUser_isRefusedAndNamed()
      throws IOException {
    assumeTrue(
        store().driverName().equals("overlay2") && !Machine.isRoot(), "mounts can be shared");
    try (RWLayer layer = readWrite();
        RWLayer seen = other.getRWLayer("name")) {
      try (Mount first = layer.mount()) {
        MountBusyException e = assertThrows(MountBusyException.class, seen::mount);
        assertEquals(1, e.holders().size());
        String holder = e.holders().get(0);
        assertTrue(holder.contains("process " + ProcessHandle.current().pid()), holder);
        assertTrue(holder.contains("cannot be shared"), holder);
        first.file("/w").write("1".getBytes(UTF_8));
      }
      try (Mount second = seen.mount()) {
        assertEquals("1", read(second, "/w"));
      }
    }
  }

  @Test
  void releaseRWLayer_mountedByAnotherStoreWithoutAHandle_isRefusedAndNamed() throws IOException {
    RWLayer layer = readWrite();
    RWLayer seen = other.getRWLayer("name");
    try (Mount mount = seen.mount()) {
      seen.close();

      MountBusyException e =
          assertThrows(MountBusyException.class, () -> store().releaseRWLayer(layer));
      assertEquals(1, e.holders().size());
      assertEquals("a", read(mount, "/f"));
    }
    store().releaseRWLayer(layer);
  }

  @Test
  void changesAndCommit_whileAnotherStoreHasItMounted_showWhatWasWritten() throws IOException {
    try (RWLayer layer = readWrite();
        RWLayer seen = other.getRWLayer("name");
        Mount mount = seen.mount()) {
      mount.file("/w").write("1".getBytes(UTF_8));

      assertEquals(List.of("A /w"), changes(layer));
      try (Layer committed = layer.commit();
          Mount look = committed.mount()) {
        assertEquals("1", read(look, "/w"));
      }
      assertEquals("1", read(mount, "/w"));
    }
  }

  @Test
  void users_mountOfAReadWriteLayer_isNamed() throws IOException {
    try (RWLayer layer = readWrite();
        Mount mount = layer.mount()) {
      assertEquals(
          List.of(List.of("mount of read-write layer name", "read-write layer name")),
          heldElsewhere());
      assertEquals("a", read(mount, "/f"));
    }
  }

  @Test
  void users_namesAllStoresAndWhatTheyHold() throws IOException {
    try (Layer layer = register(store(), NO_PARENT, "a")) {
      assertTrue(other.users().get(0).isThisStore());
      assertEquals(List.of(List.of("layer " + layer.chainId())), heldElsewhere());
    }
  }

  // ---- alone ----

  @Test
  void open_exclusivelyWhileOthersShare_isRefusedAndNamesOne() {
    StoreLockedException e =
        assertThrows(StoreLockedException.class, () -> builder(root()).exclusive().open());
    assertTrue(e.holder().isPresent(), e::getMessage);
    assertTrue(e.getMessage().contains(", by process "), e::getMessage);
  }

  @Test
  void open_whileAnotherIsAlone_isRefusedAndNamesIt() throws Exception {
    other.close();
    store().close();
    SecondProcess.close(root());
    try (LayerStore alone = builder(root()).exclusive().open()) {
      StoreLockedException e =
          assertThrows(StoreLockedException.class, () -> builder(alone.root()).open());
      StoreUser holder = e.holder().orElseThrow();
      assertEquals(ProcessHandle.current().pid(), holder.pid());
      assertTrue(holder.isExclusive());
      assertTrue(e.getMessage().contains(holder.describe()), e::getMessage);
    }
    reopen();
  }

  @Test
  void open_withALockTimeout_waitsForTheOthers() throws Exception {
    FutureTask<LayerStore> opening =
        new FutureTask<>(
            () -> builder(root()).exclusive().lockTimeout(Duration.ofMinutes(1)).open());
    inThreadOfItsOwn(opening);
    // As long as one that does not wait would have taken.
    assertThrows(StoreLockedException.class, () -> builder(root()).exclusive().open());
    assertFalse(opening.isDone());

    other.close();
    store().close();
    SecondProcess.close(root());
    opening.get().close();
    reopen();
  }

  /** What each user besides {@code other} holds; one that holds nothing is left out. */
  private List<List<String>> heldElsewhere() throws LayerStoreException {
    return other.users().stream()
        .filter(user -> !user.isThisStore())
        .map(StoreUser::holds)
        .filter(holds -> !holds.isEmpty())
        .toList();
  }
}
