package io.layerstore.core;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.Digest;
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
import io.layerstore.RecoveryReport.Kind;
import io.layerstore.RegisterOptions;
import io.layerstore.testing.FaultyFileSystem;
import io.layerstore.testing.FileOperation;
import io.layerstore.testing.TarBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Whole operations of the store, with something going wrong at each change to the file system in
 * turn.
 *
 * <p>Whatever it is, the operation succeeds or throws a typed error; afterwards the same store
 * works on, and the next one to open the root finds the operation undone or done, every other layer
 * with its exact bytes, and nothing else: no directory in the driver, no write-set, no staging.
 */
final class StoreFaultsTest {

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
    REGISTER {
      @Override
      void run(LayerStore store) throws IOException {
        store.register(LayerSource.of(CHILD), RegisterOptions.onTopOf(BASE_ID)).close();
      }
    },
    RELEASE {
      @Override
      void run(LayerStore store) throws IOException {
        try {
          store.release(store.get(OTHER_ID));
        } catch (LayerNotFoundException e) {
          // Given back already, by a call that could not remove it.
        }
      }
    },
    CREATE_RW_LAYER {
      @Override
      void run(LayerStore store) throws IOException {
        RWLayerOptions options =
            RWLayerOptions.builder()
                .initializer(root -> Files.writeString(root.resolve("init"), "1"))
                .build();
        store.createRWLayer("new", BASE_ID, options).close();
      }
    },
    COMMIT {
      @Override
      void run(LayerStore store) throws IOException {
        try (RWLayer rw = store.getRWLayer("rw")) {
          rw.commit().close();
        }
      }
    },
    /** Takes the layer below with it, which nothing else holds. */
    RELEASE_RW_LAYER {
      @Override
      void run(LayerStore store) throws IOException {
        try {
          store.releaseRWLayer(store.getRWLayer("rw"));
        } catch (MountNotFoundException e) {
          // Gone already, but not what was below.
        }
      }
    };

    abstract void run(LayerStore store) throws IOException;

    private int layersAfter() {
      return switch (this) {
        case REGISTER, COMMIT -> 3;
        case RELEASE, RELEASE_RW_LAYER -> 1;
        case CREATE_RW_LAYER -> 2;
      };
    }

    private int rwLayersAfter() {
      return switch (this) {
        case CREATE_RW_LAYER -> 2;
        case RELEASE_RW_LAYER -> 0;
        default -> 1;
      };
    }
  }

  /** What goes wrong at a change. */
  enum Fault {
    /** It fails, and nothing else does. */
    ERROR,
    /** Nothing more fits on the disk from then on; deleting and renaming go on. */
    DISK_FULL,
    /** The process dies before it. */
    DEATH,
    /** The process dies within it, if it is a write. */
    DEATH_WITHIN_WRITE
  }

  private Path root;
  private FaultyFileSystem faulty;

  private void makeRoot() throws IOException {
    FileSystem memory =
        Jimfs.newFileSystem(
            Configuration.unix().toBuilder()
                .setAttributeViews("basic", "owner", "posix", "unix", "user")
                .setBlockSize(512)
                .build());
    root = memory.getPath("/store");
    try (LayerStore store = LayerStore.open(root)) {
      store.register(LayerSource.of(BASE), RegisterOptions.DEFAULT).close();
      store.register(LayerSource.of(OTHER), RegisterOptions.DEFAULT).close();
      try (RWLayer rw = store.createRWLayer("rw", BASE_ID);
          Mount mount = rw.mount()) {
        Files.writeString(mount.path().resolve("changed"), "mine");
        Files.delete(mount.path().resolve("gone"));
      }
    }
    faulty = FaultyFileSystem.over(memory);
  }

  @ParameterizedTest
  @CsvSource({
    "REGISTER, ERROR",
    "REGISTER, DISK_FULL",
    "REGISTER, DEATH",
    "REGISTER, DEATH_WITHIN_WRITE",
    "RELEASE, ERROR",
    "RELEASE, DISK_FULL",
    "RELEASE, DEATH",
    "CREATE_RW_LAYER, ERROR",
    "CREATE_RW_LAYER, DISK_FULL",
    "CREATE_RW_LAYER, DEATH",
    "COMMIT, ERROR",
    "COMMIT, DISK_FULL",
    "COMMIT, DEATH",
    "RELEASE_RW_LAYER, ERROR",
    "RELEASE_RW_LAYER, DISK_FULL",
    "RELEASE_RW_LAYER, DEATH"
  })
  void operation_faultAtAnyChange_undoneOrDoneAndNothingElseLost(Operation operation, Fault fault)
      throws IOException {
    for (int i = 0; ; i++) {
      makeRoot();
      boolean isReached;
      if (fault == Fault.DEATH || fault == Fault.DEATH_WITHIN_WRITE) {
        isReached = dieAt(i, operation, fault == Fault.DEATH_WITHIN_WRITE);
      } else {
        isReached = failAt(i, operation, fault);
      }
      root.getFileSystem().close();
      if (!isReached) {
        assertTrue(i > (fault == Fault.DISK_FULL ? 0 : 5), "only " + i + " changes");
        return;
      }
    }
  }

  @Test
  void cleanup_afterAReleaseThatFailed_finishesIt() throws IOException {
    makeRoot();
    try (LayerStore store = LayerStore.open(faulty.wrap(root))) {
      Layer layer = store.get(OTHER_ID);
      Path files = root.resolve("vfs/dir").resolve(layer.cacheId());
      faulty.failWhen(change -> change.path().startsWith(root.resolve("vfs")));
      assertThrows(LayerStoreException.class, () -> store.release(layer));
      assertTrue(Files.exists(files));
      assertThrows(LayerNotFoundException.class, () -> store.get(OTHER_ID));
      assertEquals(1, store.cleanup().of(Kind.POSTPONED).size());
      faulty.failWhen(change -> false);
      assertEquals(1, store.cleanup().of(Kind.UNFINISHED_DELETION).size());
      assertFalse(Files.exists(files));
      assertNothingElse(store, "after cleanup");
    }
  }

  @Test
  void releaseRWLayer_filesThatCannotBeRemoved_freesTheNameAndCleanupRemovesThem()
      throws IOException {
    makeRoot();
    try (LayerStore store = LayerStore.open(faulty.wrap(root))) {
      Path files = root.resolve("vfs/dir").resolve(store.mountId("rw"));
      faulty.failWhen(change -> change.path().startsWith(files));
      assertEquals(1, store.releaseRWLayer(store.getRWLayer("rw")).size());
      assertTrue(Files.exists(files));
      assertEquals(List.of(), store.rwLayers());
      store.createRWLayer("rw", OTHER_ID).close();
      assertEquals(1, store.cleanup().of(Kind.POSTPONED).size());
      faulty.failWhen(change -> false);
      assertEquals(1, store.cleanup().of(Kind.UNFINISHED_RW_LAYER).size());
      assertFalse(Files.exists(files));
      assertNothingElse(store, "after cleanup");
    }
  }

  @Test
  void register_afterAReleaseThatFailed_isANewLayer() throws IOException {
    makeRoot();
    try (LayerStore store = LayerStore.open(faulty.wrap(root))) {
      faulty.failWhen(change -> change.path().startsWith(root.resolve("vfs/dir")));
      assertThrows(LayerStoreException.class, () -> store.release(store.get(OTHER_ID)));
      faulty.failWhen(change -> false);
      store.register(LayerSource.of(OTHER), RegisterOptions.DEFAULT).close();
      assertExports(store, "registered again");
      store.cleanup();
      assertExports(store, "after cleanup");
      assertNothingElse(store, "after cleanup");
    }
  }

  /** Whether the operation made so many changes that the fault came. */
  private boolean dieAt(int count, Operation operation, boolean tearsWrites) throws IOException {
    if (tearsWrites) {
      faulty.tearWrites();
    }
    boolean isDone = false;
    try (LayerStore store = LayerStore.open(faulty.wrap(root))) {
      faulty.stopAfter(count);
      operation.run(store);
      isDone = !faulty.isStopped();
    } catch (LayerStoreException e) {
      assertTrue(faulty.isStopped(), e.toString());
    }
    assertFound(operation, isDone, "death at change " + count);
    return faulty.isStopped();
  }

  private boolean failAt(int count, Operation operation, Fault fault) throws IOException {
    AtomicInteger asked = new AtomicInteger();
    String when = fault + " at change " + count;
    boolean isDone = false;
    boolean isReached;
    try (LayerStore store = LayerStore.open(faulty.wrap(root))) {
      Set<String> open = new TreeSet<>(faulty.openResources());
      faulty.failWhen(
          change ->
              fault == Fault.ERROR
                  ? asked.getAndIncrement() == count
                  : takesSpace(change) && asked.getAndIncrement() >= count);
      try {
        operation.run(store);
        isDone = true;
      } catch (LayerStoreException e) {
        assertTrue(asked.get() > count, () -> "for another reason: " + e);
      }
      faulty.failWhen(change -> false);
      isReached = asked.get() > count;
      assertEquals(open, new TreeSet<>(faulty.openResources()), "open after " + when);
      assertExports(store, when);
      if (!isDone && isUndone(store, operation)) {
        operation.run(store);
        // A layer that could not be removed is out of reach until the next open.
        isDone = operation != Operation.RELEASE && operation != Operation.RELEASE_RW_LAYER;
      }
    }
    assertFound(operation, isDone, when);
    return isReached;
  }

  private static boolean takesSpace(FileOperation change) {
    return switch (change.kind()) {
      case CREATE_DIRECTORY, CREATE_FILE, WRITE, COPY, CREATE_LINK, CREATE_SYMBOLIC_LINK -> true;
      default -> false;
    };
  }

  private static boolean isUndone(LayerStore store, Operation operation) {
    return store.layers().size() != operation.layersAfter()
        || store.rwLayers().size() != operation.rwLayersAfter();
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

  /** Looks at the root as the next process does. */
  private void assertFound(Operation operation, boolean isDone, String when) throws IOException {
    try (LayerStore store = LayerStore.open(root)) {
      int layers = store.layers().size();
      int rwLayers = store.rwLayers().size();
      boolean isAfter = layers == operation.layersAfter() && rwLayers == operation.rwLayersAfter();
      boolean isHalfway = operation == Operation.RELEASE_RW_LAYER && rwLayers == 0;
      boolean isBefore = layers == 2 && (rwLayers == 1 || isHalfway);
      assertTrue(
          isAfter || (isBefore && !isDone), when + ": " + layers + " layers, " + rwLayers + " rw");
      assertExports(store, when);
      if (rwLayers > 0) {
        assertRWLayerWhole(store, when);
      }
      assertNothingElse(store, when);
      assertTrue(
          store.recoveryReport().findings().stream()
              .noneMatch(finding -> finding.kind().name().startsWith("DAMAGED")),
          () -> when + ": " + store.recoveryReport());
    }
  }

  private static void assertRWLayerWhole(LayerStore store, String when) throws IOException {
    try (RWLayer rw = store.getRWLayer("rw");
        Mount mount = rw.mount()) {
      assertEquals("mine", Files.readString(mount.path().resolve("changed"), UTF_8), when);
      assertEquals("base", Files.readString(mount.path().resolve("d/f"), UTF_8), when);
      assertEquals(2, rw.changes().count(), when);
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
    Path layerDb = root.resolve("image/vfs/layerdb");
    assertEquals(layerNames, names(layerDb.resolve("sha256")), when);
    assertEquals(mountNames, names(layerDb.resolve("mounts")), when);
    assertEquals(Set.of(), names(layerDb.resolve("tmp")), when);
    assertEquals(driverNames, names(root.resolve("vfs/dir")), when);
    assertEquals(Set.of(), names(root.resolve("vfs/staging")), when);
    Set<String> tables = names(root.resolve("vfs/attributes"));
    assertTrue(driverNames.containsAll(tables), () -> when + ": records " + tables);
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
