package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.Durability;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.MountNotFoundException;
import io.layerstore.RWLayer;
import io.layerstore.RWLayerInfo;
import io.layerstore.RWLayerOptions;
import io.layerstore.RegisterOptions;
import io.layerstore.testing.TarBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Whole operations of a store on overlay2, with something going wrong at each step in turn, a step
 * being a change to a file by Java or a request to a helper.
 *
 * <p>Whatever it is, the operation succeeds or throws a typed error; afterwards the same store
 * works on, and the next one to open the root finds the operation undone or done, every other layer
 * with its exact bytes, and nothing else: no directory or name in the driver, no mount, no
 * write-set.
 *
 * <p>Takes every fifth step, and all of them with {@code -Dlayerstore.heavy=true}.
 */
final class Overlay2FaultsTest {

  private static final int STRIDE = Boolean.getBoolean("layerstore.heavy") ? 1 : 5;

  private static final byte[] BASE =
      new TarBuilder().directory("d").file("d/f", "base").file("gone", "x").end().toBytes();
  private static final byte[] CHILD =
      new TarBuilder()
          .directory("d")
          .file("d/g", "child")
          .symlink("l", "d/g")
          .hardLink("h", "d/g")
          .file(".wh.gone", "")
          .end()
          .toBytes();
  private static final byte[] OTHER = new TarBuilder().file("other", "other").end().toBytes();

  private static final ChainId BASE_ID = chainId(null, BASE);
  private static final ChainId CHILD_ID = chainId(BASE_ID, CHILD);
  private static final ChainId OTHER_ID = chainId(null, OTHER);
  private static final Map<ChainId, byte[]> CONTENT =
      Map.of(BASE_ID, BASE, CHILD_ID, CHILD, OTHER_ID, OTHER);

  private static ChainId chainId(ChainId parent, byte[] tar) {
    return ChainId.of(parent, new DiffId(Digest.sha256Of(tar)));
  }

  /** What is tried. */
  enum Operation {
    REGISTER(3, 1) {
      @Override
      void run(LayerStore store) throws IOException {
        store.register(LayerSource.of(CHILD), RegisterOptions.onTopOf(BASE_ID)).close();
      }
    },
    RELEASE(1, 1) {
      @Override
      void run(LayerStore store) throws IOException {
        try {
          store.release(store.get(OTHER_ID));
        } catch (LayerNotFoundException e) {
          // Given back already, by a call that could not remove it.
        }
      }
    },
    CREATE_RW_LAYER(2, 2) {
      @Override
      void run(LayerStore store) throws IOException {
        RWLayerOptions options =
            RWLayerOptions.builder()
                .initializer(root -> Files.writeString(root.resolve("init"), "1"))
                .build();
        store.createRWLayer("new", BASE_ID, options).close();
      }
    },
    /** Mounts, too: the mount is undone before the end, so nothing is to be seen of it. */
    COMMIT(3, 1) {
      @Override
      void run(LayerStore store) throws IOException {
        try (RWLayer rw = store.getRWLayer("rw")) {
          try (Mount mount = rw.mount()) {
            assertTrue(Files.exists(mount.path().resolve("changed")));
          }
          rw.commit().close();
        }
      }
    },
    /** Takes the layer below with it, which nothing else holds. */
    RELEASE_RW_LAYER(1, 0) {
      @Override
      void run(LayerStore store) throws IOException {
        try {
          store.releaseRWLayer(store.getRWLayer("rw"));
        } catch (MountNotFoundException e) {
          // Gone already, but not what was below.
        }
      }
    };

    private final int layersAfter;
    private final int rwLayersAfter;

    Operation(int layersAfter, int rwLayersAfter) {
      this.layersAfter = layersAfter;
      this.rwLayersAfter = rwLayersAfter;
    }

    abstract void run(LayerStore store) throws IOException;

    private boolean isDoneIn(LayerStore store) {
      return store.layers().size() == layersAfter && store.rwLayers().size() == rwLayersAfter;
    }
  }

  /** What goes wrong at a step. */
  enum Fault {
    /** It fails, and nothing else does. */
    ERROR,
    /** This process and its helpers are killed before it. */
    DEATH,
    /** The helpers are killed before they have read it. */
    HELPER_KILLED,
    /** The helpers are killed when they have done it and could not say so. */
    ANSWER_LOST
  }

  @TempDir private Path directory;
  private final ClassLoader before = Thread.currentThread().getContextClassLoader();
  private Path root;
  private FaultyLinux linux;

  @BeforeEach
  void makeRoot() throws IOException {
    Overlay2Testing.assumeSupported(directory);
    root = directory.resolve("store");
    Path scratch = Files.createDirectory(directory.resolve("scratch"));
    linux = FaultyLinux.inDirectory(scratch);
    Thread.currentThread().setContextClassLoader(FaultyOverlay2Provider.loader(scratch));
    try (LayerStore store = openSound()) {
      restore(store);
    }
  }

  @AfterEach
  void restoreLoader() {
    Thread.currentThread().setContextClassLoader(before);
  }

  /** With the driver as it is. */
  private LayerStore openSound() throws LayerStoreException {
    FaultyOverlay2Provider.use(linux.again());
    return LayerStore.builder(root).driver("overlay2").durability(Durability.NONE).open();
  }

  /** With a driver whose files and helpers have the faults of {@link #linux}. */
  private LayerStore openFaulty() throws LayerStoreException {
    linux = linux.again();
    FaultyOverlay2Provider.use(linux);
    return LayerStore.builder(linux.files().wrap(root)).driver("overlay2").open();
  }

  /** The state in which every operation begins. */
  private static void restore(LayerStore store) throws IOException {
    for (RWLayerInfo info : store.rwLayers()) {
      if (info.name().equals("new")) {
        store.releaseRWLayer(store.getRWLayer("new"));
      }
    }
    for (ChainId id : List.of(BASE_ID, OTHER_ID)) {
      RegisterOptions options = RegisterOptions.builder().expectedChainId(id).build();
      store.register(LayerSource.of(CONTENT.get(id)), options).close();
    }
    if (store.rwLayers().isEmpty()) {
      try (RWLayer rw = store.createRWLayer("rw", BASE_ID);
          Mount mount = rw.mount()) {
        Files.writeString(mount.path().resolve("changed"), "mine");
        Files.delete(mount.path().resolve("gone"));
      }
    }
    for (LayerInfo info : store.layers()) {
      if (!info.chainId().equals(BASE_ID) && !info.chainId().equals(OTHER_ID)) {
        store.release(store.get(info.chainId()));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "REGISTER, ERROR",
    "REGISTER, DEATH",
    "REGISTER, HELPER_KILLED",
    "REGISTER, ANSWER_LOST",
    "RELEASE, ERROR",
    "RELEASE, DEATH",
    "RELEASE, HELPER_KILLED",
    "RELEASE, ANSWER_LOST",
    "CREATE_RW_LAYER, ERROR",
    "CREATE_RW_LAYER, DEATH",
    "CREATE_RW_LAYER, HELPER_KILLED",
    "CREATE_RW_LAYER, ANSWER_LOST",
    "COMMIT, ERROR",
    "COMMIT, DEATH",
    "COMMIT, HELPER_KILLED",
    "COMMIT, ANSWER_LOST",
    "RELEASE_RW_LAYER, ERROR",
    "RELEASE_RW_LAYER, DEATH",
    "RELEASE_RW_LAYER, HELPER_KILLED",
    "RELEASE_RW_LAYER, ANSWER_LOST"
  })
  void operation_faultAtAnyStep_undoneOrDoneAndNothingElseLost(Operation operation, Fault fault)
      throws IOException {
    int step = 0;
    while (fault == Fault.DEATH ? dieAt(step, operation) : failAt(step, operation, fault)) {
      step += STRIDE;
    }
    assertTrue(step > 0, "no steps");
  }

  /** Whether the operation had so many steps that the fault came. */
  private boolean dieAt(int step, Operation operation) throws IOException {
    boolean isDone = false;
    try (LayerStore store = openFaulty()) {
      linux.files().stopAfter(step);
      operation.run(store);
      isDone = !linux.files().isStopped();
    } catch (LayerStoreException e) {
      assertTrue(linux.files().isStopped(), e.toString());
    }
    boolean hasCome = linux.files().isStopped();
    assertFound(operation, isDone, "death at step " + step);
    return hasCome;
  }

  private boolean failAt(int step, Operation operation, Fault fault) throws IOException {
    AtomicInteger asked = new AtomicInteger();
    String when = fault + " at step " + step;
    boolean isDone = false;
    boolean hasCome;
    try (LayerStore store = openFaulty()) {
      switch (fault) {
        case ERROR -> linux.files().failWhen(change -> asked.getAndIncrement() == step);
        case HELPER_KILLED -> linux.dieAt(step, FaultyLinux.Death.BEFORE);
        default -> linux.dieAt(step, FaultyLinux.Death.AFTER);
      }
      LayerStoreException failure = null;
      try {
        operation.run(store);
        isDone = true;
      } catch (LayerStoreException e) {
        failure = e;
      }
      linux.files().failWhen(change -> false);
      hasCome = linux.recover() || asked.get() > step;
      assertTrue(failure == null || hasCome, when + ", but for another reason: " + failure);
      assertExports(store, when);
      if (!isDone && !operation.isDoneIn(store)) {
        operation.run(store);
        // A layer that could not be removed is out of reach until the next open.
        isDone = operation != Operation.RELEASE && operation != Operation.RELEASE_RW_LAYER;
      }
    }
    assertFound(operation, isDone, when);
    return hasCome;
  }

  private static void assertExports(LayerStore store, String when) throws IOException {
    for (LayerInfo info : store.layers()) {
      try (Layer layer = store.get(info.chainId());
          InputStream tar = layer.tarStream()) {
        byte[] exported = tar.readAllBytes();
        byte[] expected = CONTENT.get(info.chainId());
        if (expected != null) {
          assertArrayEquals(expected, exported, when);
        }
      }
    }
  }

  /** Looks at the root as the next process does, and restores it. */
  private void assertFound(Operation operation, boolean isDone, String when) throws IOException {
    try (LayerStore store = openSound()) {
      int layers = store.layers().size();
      int rwLayers = store.rwLayers().size();
      boolean isHalfway = operation == Operation.RELEASE_RW_LAYER && rwLayers == 0;
      boolean isBefore = layers == 2 && (rwLayers == 1 || isHalfway);
      assertTrue(
          operation.isDoneIn(store) || (isBefore && !isDone),
          when + ": " + layers + " layers, " + rwLayers + " rw");
      assertExports(store, when);
      if (rwLayers > 0) {
        assertRWLayerWhole(store, when);
      }
      assertNothingElse(store, when);
      assertTrue(
          store.recoveryReport().findings().stream()
              .noneMatch(finding -> finding.kind().name().startsWith("DAMAGED")),
          () -> when + ": " + store.recoveryReport());
      restore(store);
    }
  }

  private static void assertRWLayerWhole(LayerStore store, String when) throws IOException {
    try (RWLayer rw = store.getRWLayer("rw");
        Mount mount = rw.mount()) {
      assertEquals("mine", Files.readString(mount.path().resolve("changed")), when);
      assertEquals("base", Files.readString(mount.path().resolve("d/f")), when);
      assertFalse(Files.exists(mount.path().resolve("gone")), when);
    }
  }

  private void assertNothingElse(LayerStore store, String when) throws IOException {
    Set<String> layerNames = new TreeSet<>();
    Set<String> mountNames = new TreeSet<>();
    Set<String> driverNames = new TreeSet<>();
    for (LayerInfo info : store.layers()) {
      layerNames.add(info.chainId().digest().hex());
      driverNames.add(info.cacheId());
    }
    for (RWLayerInfo info : store.rwLayers()) {
      mountNames.add(info.name());
      driverNames.add(info.mountId());
      if (info.initId() != null) {
        driverNames.add(info.initId());
      }
    }
    Path layerDb = root.resolve("image/overlay2/layerdb");
    assertEquals(layerNames, names(layerDb.resolve("sha256")), when);
    assertEquals(mountNames, names(layerDb.resolve("mounts")), when);
    assertEquals(Set.of(), names(layerDb.resolve("tmp")), when);
    Path home = root.resolve("overlay2");
    Set<String> linked = new TreeSet<>();
    for (String link : names(home.resolve("l"))) {
      Path target = Files.readSymbolicLink(home.resolve("l").resolve(link));
      linked.add(target.getName(1).toString());
    }
    assertEquals(driverNames, linked, when);
    assertEquals(driverNames.size(), names(home.resolve("l")).size(), when);
    for (String id : driverNames) {
      boolean isMounted =
          Files.exists(home.resolve(id).resolve("merged"), LinkOption.NOFOLLOW_LINKS);
      assertFalse(isMounted, when);
    }
    driverNames.add("l");
    assertEquals(driverNames, names(home), when);
    assertEquals(Set.of(), Set.copyOf(Overlay2Testing.mountsBelow(root)), when);
  }

  private static Set<String> names(Path directory) throws IOException {
    Set<String> names = new TreeSet<>();
    if (Files.isDirectory(directory)) {
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
        entries.forEach(entry -> names.add(entry.getFileName().toString()));
      }
    }
    return names;
  }
}
