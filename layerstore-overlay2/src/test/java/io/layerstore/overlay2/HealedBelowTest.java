package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ChainId;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.MountOptions;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import io.layerstore.driver.TreeDeleter;
import io.layerstore.testing.Machine;
import io.layerstore.testing.TarBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A damaged layer that others stand on is registered again: what they show is right again too. */
final class HealedBelowTest {

  private static final byte[] BASE = new TarBuilder().file("f", "sound").end().toBytes();
  private static final byte[] TOP = new TarBuilder().file("g", "top").end().toBytes();
  private static final RegisterOptions AGAIN =
      RegisterOptions.builder().verifyExisting(true).build();

  @TempDir Path directory;
  private FaultyLinux linux;
  private ClassLoader loader;
  private LayerStore store;
  private ChainId base;
  private ChainId top;

  /** Of the base layer. */
  private Path files;

  @BeforeEach
  void makeLayers() throws IOException {
    Overlay2Testing.assumeSupported(directory);
    linux = FaultyLinux.inDirectory(directory);
    loader = FaultyOverlay2Provider.loader(directory);
    FaultyOverlay2Provider.use(linux);
    openStore();
    try (Layer bottom = store.register(LayerSource.of(BASE), RegisterOptions.DEFAULT);
        Layer above =
            store.register(LayerSource.of(TOP), RegisterOptions.onTopOf(bottom.chainId()))) {
      base = bottom.chainId();
      top = above.chainId();
      files = Path.of(bottom.metadata().get("UpperDir"));
    }
    store.createRWLayer("rw", top).close();
  }

  private void openStore() throws LayerStoreException {
    ClassLoader before = Thread.currentThread().getContextClassLoader();
    Thread.currentThread().setContextClassLoader(loader);
    try {
      store = LayerStore.builder(directory.resolve("store")).driver("overlay2").open();
    } finally {
      Thread.currentThread().setContextClassLoader(before);
    }
  }

  @AfterEach
  void closeStore() throws LayerStoreException {
    FaultyOverlay2Provider.use(null);
    if (store != null) {
      store.close();
    }
  }

  private void damage() throws IOException {
    Files.writeString(files.resolve("f"), "SOUND");
  }

  private void heal() throws LayerStoreException {
    store.register(LayerSource.of(BASE), AGAIN).close();
  }

  private void assertShown(String expected) throws IOException {
    try (Layer layer = store.get(top);
        Mount mount = layer.mount();
        RWLayer rw = store.getRWLayer("rw");
        Mount own = rw.mount()) {
      assertEquals(expected, Files.readString(mount.path().resolve("f")));
      assertEquals(expected, Files.readString(own.path().resolve("f")));
      assertEquals("top", Files.readString(own.path().resolve("g")));
    }
  }

  private void assertSound() throws IOException {
    assertShown("sound");
    for (ChainId each : new ChainId[] {base, top}) {
      try (Layer layer = store.get(each);
          InputStream tar = layer.tarStream()) {
        assertArrayEquals(each.equals(base) ? BASE : TOP, tar.readAllBytes());
      }
    }
    try (RWLayer rw = store.getRWLayer("rw")) {
      assertEquals(0, rw.changes().count());
    }
  }

  /** The directories of layers. */
  private Set<String> directories() throws IOException {
    Set<String> names = new TreeSet<>();
    try (Stream<Path> entries = Files.list(directory.resolve("store/overlay2"))) {
      entries.forEach(entry -> names.add(entry.getFileName().toString()));
    }
    return names;
  }

  @Test
  void register_damagedBase_healsWhatChildrenShow() throws IOException {
    damage();
    assertShown("SOUND");
    heal();
    assertSound();
  }

  @Test
  void register_damagedBase_keepsItsDirectoryAndNameAndLeavesNothing() throws IOException {
    Set<String> before = directories();
    String link = Files.readString(files.resolveSibling("link"));
    damage();
    heal();
    assertEquals(before, directories());
    assertEquals(link, Files.readString(files.resolveSibling("link")));
    try (Layer child = store.get(top)) {
      assertEquals(files.toString(), child.metadata().get("LowerDir"));
    }
    store.close();
    openStore();
    assertTrue(store.recoveryReport().isClean(), store.recoveryReport()::toString);
    assertSound();
  }

  @ParameterizedTest
  @ValueSource(strings = {".", "diff", "link", "committed"})
  void register_partOfBaseGone_healsWhatChildrenShow(String part) throws IOException {
    damage();
    TreeDeleter.delete(files.getParent().resolve(part).normalize());
    heal();
    assertSound();
  }

  @Test
  void register_childIsMounted_showsTheSoundFilesFromItsNextMount() throws IOException {
    damage();
    Set<String> before = directories();
    try (RWLayer rw = store.getRWLayer("rw")) {
      try (Mount mount = rw.mount()) {
        heal();
        assertEquals("SOUND", Files.readString(mount.path().resolve("f")));
        store.cleanup();
        assertEquals("SOUND", Files.readString(mount.path().resolve("f")));
        Files.writeString(mount.path().resolve("own"), "x");
        Files.delete(mount.path().resolve("own"));
      }
    }
    store.cleanup();
    assertEquals(before, directories());
    assertSound();
  }

  @Test
  void register_persistentMountShowsTheDamage_refusesUntilItIsUnmounted() throws IOException {
    Machine.requireRoot();
    damage();
    Set<String> before = directories();
    try (RWLayer rw = store.getRWLayer("rw")) {
      rw.mount(MountOptions.persistent()).close();
      LayerStoreException e = assertThrows(LayerStoreException.class, this::heal);
      assertTrue(e.getMessage().contains("/merged is mounted; unmount it"), e::getMessage);
      assertEquals(before, directories());
      rw.mount(MountOptions.DEFAULT).close();
    }
    heal();
    assertSound();
  }

  @ParameterizedTest
  @EnumSource(names = {"BEFORE", "AFTER"})
  void register_helperDiesWhileItHeals_nextOneHeals(FaultyLinux.Death when) throws IOException {
    damage();
    int requests = 0;
    boolean hasCome = true;
    while (hasCome) {
      linux.dieAt(requests++, when);
      try {
        heal();
      } catch (LayerStoreException e) {
        // Some requests are such that it cannot go on.
      }
      hasCome = linux.recover();
      heal();
      assertSound();
      damage();
    }
    assertTrue(requests > 3, "" + requests);
  }
}
