package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.Durability;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.testing.StoreNames;
import io.layerstore.testing.StoreOperation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
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
      StoreOperation.prepare(store);
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
    "RELEASE_RW_LAYER, ANSWER_LOST",
    "TEMPORARY_RW_LAYER, ERROR",
    "TEMPORARY_RW_LAYER, DEATH",
    "TEMPORARY_RW_LAYER, HELPER_KILLED",
    "TEMPORARY_RW_LAYER, ANSWER_LOST"
  })
  void operation_faultAtAnyStep_undoneOrDoneAndNothingElseLost(
      StoreOperation operation, Fault fault) throws IOException {
    int step = 0;
    while (fault == Fault.DEATH ? dieAt(step, operation) : failAt(step, operation, fault)) {
      step += STRIDE;
    }
    assertTrue(step > 0, "no steps");
  }

  /** Whether the operation had so many steps that the fault came. */
  private boolean dieAt(int step, StoreOperation operation) throws IOException {
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

  private boolean failAt(int step, StoreOperation operation, Fault fault) throws IOException {
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
      StoreOperation.assertExports(store, when);
      if (!isDone && !operation.isDoneIn(store)) {
        operation.run(store);
        isDone = operation.isDoneWhenRepeated();
      }
    }
    assertFound(operation, isDone, when);
    return hasCome;
  }

  /** Looks at the root as the next process does, and prepares it for the next step. */
  private void assertFound(StoreOperation operation, boolean isDone, String when)
      throws IOException {
    try (LayerStore store = openSound()) {
      operation.assertFound(store, isDone, when);
      assertNothingElse(store, when);
      StoreOperation.prepare(store);
    }
  }

  private void assertNothingElse(LayerStore store, String when) throws IOException {
    StoreNames names = StoreNames.of(store);
    names.assertAllOf(root.resolve("image/overlay2/layerdb"), when);
    Path home = root.resolve("overlay2");
    Set<String> linked = new TreeSet<>();
    for (String link : StoreNames.in(home.resolve("l"))) {
      Path target = Files.readSymbolicLink(home.resolve("l").resolve(link));
      linked.add(target.getName(1).toString());
    }
    assertEquals(names.driver(), linked, when);
    assertEquals(linked.size(), StoreNames.in(home.resolve("l")).size(), when);
    for (String id : linked) {
      boolean isMounted =
          Files.exists(home.resolve(id).resolve("merged"), LinkOption.NOFOLLOW_LINKS);
      assertFalse(isMounted, when);
    }
    linked.add("l");
    assertEquals(linked, StoreNames.in(home), when);
    assertEquals(Set.of(), Set.copyOf(Overlay2Testing.mountsBelow(root)), when);
  }
}
