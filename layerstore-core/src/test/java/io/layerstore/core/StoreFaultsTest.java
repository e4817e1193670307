package io.layerstore.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.Layer;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.RecoveryReport.Kind;
import io.layerstore.RegisterOptions;
import io.layerstore.testing.FaultyFileSystem;
import io.layerstore.testing.FileOperation;
import io.layerstore.testing.MemoryFiles;
import io.layerstore.testing.StoreNames;
import io.layerstore.testing.StoreOperation;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
 * works on, its cleanup leaves nothing of what failed, and the next one to open the root finds the
 * operation undone or done, every other layer with its exact bytes, and nothing else: no directory
 * in the driver, no write-set, no staging.
 */
final class StoreFaultsTest {

  /** What goes wrong at a change. */
  enum Fault {
    /** It fails, and nothing else does. */
    ERROR,
    /** Nothing more fits on the disk from then on; deleting and renaming go on. */
    DISK_FULL,
    /** Nothing more can be opened from then on, for reading or writing. */
    NO_DESCRIPTORS,
    /** The process dies before it. */
    DEATH,
    /** The process dies within it, if it is a write. */
    DEATH_WITHIN_WRITE
  }

  private Path root;
  private FaultyFileSystem faulty;

  private void makeRoot() throws IOException {
    FileSystem memory = MemoryFiles.unix();
    root = memory.getPath("/store");
    try (LayerStore store = LayerStore.open(root)) {
      StoreOperation.prepare(store);
    }
    faulty = FaultyFileSystem.over(memory);
  }

  @ParameterizedTest
  @CsvSource({
    "REGISTER, ERROR",
    "REGISTER, DISK_FULL",
    "REGISTER, NO_DESCRIPTORS",
    "REGISTER, DEATH",
    "REGISTER, DEATH_WITHIN_WRITE",
    "RELEASE, ERROR",
    "RELEASE, DISK_FULL",
    "RELEASE, NO_DESCRIPTORS",
    "RELEASE, DEATH",
    "CREATE_RW_LAYER, ERROR",
    "CREATE_RW_LAYER, DISK_FULL",
    "CREATE_RW_LAYER, NO_DESCRIPTORS",
    "CREATE_RW_LAYER, DEATH",
    "COMMIT, ERROR",
    "COMMIT, DISK_FULL",
    "COMMIT, NO_DESCRIPTORS",
    "COMMIT, DEATH",
    "RELEASE_RW_LAYER, ERROR",
    "RELEASE_RW_LAYER, DISK_FULL",
    "RELEASE_RW_LAYER, NO_DESCRIPTORS",
    "RELEASE_RW_LAYER, DEATH",
    "TEMPORARY_RW_LAYER, ERROR",
    "TEMPORARY_RW_LAYER, DISK_FULL",
    "TEMPORARY_RW_LAYER, NO_DESCRIPTORS",
    "TEMPORARY_RW_LAYER, DEATH"
  })
  void operation_faultAtAnyChange_undoneOrDoneAndNothingElseLost(
      StoreOperation operation, Fault fault) throws IOException {
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
        if (fault == Fault.DISK_FULL && operation.name().startsWith("RELEASE")) {
          assertEquals(0, i, "changes that take space, for a deletion");
        } else {
          assertTrue(i > (fault == Fault.DISK_FULL ? 0 : 4), "only " + i + " changes");
        }
        return;
      }
    }
  }

  @Test
  void cleanup_afterAReleaseThatFailed_finishesIt() throws IOException {
    makeRoot();
    try (LayerStore store = LayerStore.open(faulty.wrap(root))) {
      Layer layer = store.get(StoreOperation.OTHER_ID);
      Path files = root.resolve("vfs/dir").resolve(layer.cacheId());
      faulty.failWhen(change -> change.path().startsWith(root.resolve("vfs")));
      assertThrows(LayerStoreException.class, () -> store.release(layer));
      assertTrue(Files.exists(files));
      assertThrows(LayerNotFoundException.class, () -> store.get(StoreOperation.OTHER_ID));
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
      store.createRWLayer("rw", StoreOperation.OTHER_ID).close();
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
      assertThrows(
          LayerStoreException.class, () -> store.release(store.get(StoreOperation.OTHER_ID)));
      faulty.failWhen(change -> false);
      store.register(LayerSource.of(StoreOperation.OTHER), RegisterOptions.DEFAULT).close();
      StoreOperation.assertExports(store, "registered again");
      store.cleanup();
      StoreOperation.assertExports(store, "after cleanup");
      assertNothingElse(store, "after cleanup");
    }
  }

  /** Whether the operation made so many changes that the fault came. */
  private boolean dieAt(int count, StoreOperation operation, boolean tearsWrites)
      throws IOException {
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

  private boolean failAt(int count, StoreOperation operation, Fault fault) throws IOException {
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
                  : fault == Fault.DISK_FULL
                      && takesSpace(change)
                      && asked.getAndIncrement() >= count);
      faulty.refuseToOpen(
          path -> fault == Fault.NO_DESCRIPTORS && asked.getAndIncrement() >= count);
      try {
        operation.run(store);
        // Where it cannot be read who else may hold a layer, the layer stays.
        isDone = fault != Fault.NO_DESCRIPTORS || operation.isDoneIn(store);
      } catch (LayerStoreException e) {
        assertTrue(asked.get() > count, () -> "for another reason: " + e);
      }
      faulty.failWhen(change -> false);
      faulty.refuseToOpen(path -> false);
      isReached = asked.get() > count;
      assertEquals(open, new TreeSet<>(faulty.openResources()), "open after " + when);
      assertEquals(List.of(), store.cleanup().of(Kind.POSTPONED), when);
      assertNothingElse(store, "cleanup after " + when);
      StoreOperation.assertExports(store, when);
      if (!isDone && !operation.isDoneIn(store)) {
        operation.run(store);
        isDone = operation.isDoneWhenRepeated();
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

  /** Looks at the root as the next process does. */
  private void assertFound(StoreOperation operation, boolean isDone, String when)
      throws IOException {
    try (LayerStore store = LayerStore.open(root)) {
      operation.assertFound(store, isDone, when);
      assertNothingElse(store, when);
    }
  }

  private void assertNothingElse(LayerStore store, String when) throws IOException {
    StoreNames names = StoreNames.of(store);
    names.assertAllOf(root.resolve("image/vfs/layerdb"), when);
    assertEquals(names.driver(), StoreNames.in(root.resolve("vfs/dir")), when);
    assertEquals(Set.of(), StoreNames.in(root.resolve("vfs/staging")), when);
    Set<String> tables = StoreNames.in(root.resolve("vfs/attributes"));
    assertTrue(names.driver().containsAll(tables), () -> when + ": records " + tables);
  }
}
