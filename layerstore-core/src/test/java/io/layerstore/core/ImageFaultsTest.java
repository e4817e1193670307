package io.layerstore.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.jimfs.Jimfs;
import io.layerstore.ChainId;
import io.layerstore.Image;
import io.layerstore.ImageId;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.LayerInfo;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LoadOptions;
import io.layerstore.PruneOptions;
import io.layerstore.PrunePlan;
import io.layerstore.PruneReport;
import io.layerstore.RecoveryReport.Kind;
import io.layerstore.testing.FaultyFileSystem;
import io.layerstore.testing.FileOperation;
import io.layerstore.testing.ImageFiles;
import io.layerstore.testing.MemoryFiles;
import io.layerstore.testing.SampleImage;
import io.layerstore.testing.StoreNames;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Images that are loaded and pruned, with something going wrong at each change to the file system
 * in turn: a load that failed is not to be seen, and what a prune deleted is what it says.
 */
final class ImageFaultsTest {

  private static final SampleImage BEFORE = SampleImage.small("before", 1);
  private static final SampleImage FIRST = SampleImage.small("first", 2);
  private static final SampleImage SECOND = SampleImage.small("second", 1);

  /** What goes wrong from a change on. */
  enum Fault {
    /** It fails, and nothing else does. */
    ERROR,
    /** Nothing more fits on the disk; deleting and renaming go on. */
    DISK_FULL,
    /** Nothing more can be opened, for reading or writing. */
    NO_DESCRIPTORS
  }

  /** What people see of a store. */
  private record View(
      Set<ImageId> images, Map<ImageReference, ImageId> names, Set<ChainId> layers) {
    static View of(LayerStore store) throws LayerStoreException {
      return new View(
          store.images().list().stream().map(Image::id).collect(Collectors.toSet()),
          store.images().references().list(),
          store.layers().stream().map(LayerInfo::chainId).collect(Collectors.toSet()));
    }
  }

  private FileSystem memory = Jimfs.newFileSystem();
  private FaultyFileSystem faulty = FaultyFileSystem.over(memory);
  private final AtomicInteger asked = new AtomicInteger();

  private void makeRoot() throws IOException {
    memory.close();
    memory = MemoryFiles.unix();
    faulty = FaultyFileSystem.over(memory);
    try (LayerStore store = LayerStore.open(root())) {
      load(store, ImageFiles.docker(BEFORE, "demo:1", "demo:2"));
    }
  }

  @AfterEach
  void closeMemory() throws IOException {
    memory.close();
  }

  private Path root() {
    return memory.getPath("/store");
  }

  private static void load(LayerStore store, ImageFiles files) throws LayerStoreException {
    store.images().load(ImageSource.of(files.toStream()), LoadOptions.DEFAULT);
  }

  private static ImageFiles both() {
    return ImageFiles.docker(
        List.of(FIRST, SECOND),
        ImageFiles.item(FIRST, "demo:1", "first:1"),
        ImageFiles.item(SECOND, "second:1", "second:2"));
  }

  private void fail(Fault fault, int count) {
    asked.set(0);
    faulty.failWhen(
        change ->
            switch (fault) {
              case ERROR -> asked.getAndIncrement() == count;
              case DISK_FULL -> takesSpace(change) && asked.getAndIncrement() >= count;
              case NO_DESCRIPTORS -> false;
            });
    faulty.refuseToOpen(path -> fault == Fault.NO_DESCRIPTORS && asked.getAndIncrement() >= count);
  }

  private static boolean takesSpace(FileOperation change) {
    return switch (change.kind()) {
      case CREATE_DIRECTORY, CREATE_FILE, WRITE, COPY, CREATE_LINK, CREATE_SYMBOLIC_LINK -> true;
      default -> false;
    };
  }

  private void failNoMore() {
    faulty.failWhen(change -> false);
    faulty.refuseToOpen(path -> false);
  }

  @ParameterizedTest
  @EnumSource
  void load_faultAtAnyChange_isDoneOrNotToBeSeen(Fault fault) throws IOException {
    boolean isReached = true;
    for (int count = 0; isReached; count++) {
      makeRoot();
      String when = fault + " at " + count;
      View after;
      try (LayerStore store = LayerStore.open(faulty.wrap(root()))) {
        View before = View.of(store);
        fail(fault, count);
        boolean hasFailed = false;
        try {
          load(store, both());
        } catch (LayerStoreException e) {
          hasFailed = true;
        }
        failNoMore();
        isReached = asked.get() > count;
        assertTrue(isReached || !hasFailed, when);
        View found = View.of(store);
        assertEquals(
            hasFailed ? before.images() : Set.of(BEFORE.id(), FIRST.id(), SECOND.id()),
            found.images(),
            when);
        if (hasFailed) {
          assertEquals(before.names(), found.names(), when);
          assertEquals(List.of(), store.cleanup().of(Kind.POSTPONED), when);
          assertEquals(before, View.of(store), "after cleanup, " + when);
        }
        assertNothingElse(store, when);
        after = View.of(store);
      }
      assertNextSees(after, when);
    }
  }

  private void assertNextSees(View expected, String when) throws IOException {
    try (LayerStore store = LayerStore.open(root())) {
      assertEquals(List.of(), store.recoveryReport().findings(), when);
      assertEquals(List.of(), store.images().recoveryReport().findings(), when);
      assertEquals(expected, View.of(store), "next, " + when);
      assertNothingElse(store, when);
    }
  }

  private void assertNothingElse(LayerStore store, String when) throws IOException {
    StoreNames names = StoreNames.of(store);
    names.assertAllOf(root().resolve("image/vfs/layerdb"), when);
    assertEquals(names.driver(), StoreNames.in(root().resolve("vfs/dir")), when);
    Set<String> images =
        store.images().list().stream().map(i -> i.id().digest().hex()).collect(Collectors.toSet());
    Path db = root().resolve("image/vfs/imagedb");
    assertEquals(images, StoreNames.in(db.resolve("content/sha256")), when);
  }

  @ParameterizedTest
  @EnumSource
  void prune_faultAtAnyChange_deletesTheRestAndSaysWhatItDeleted(Fault fault) throws IOException {
    boolean isReached = true;
    for (int count = 0; isReached; count++) {
      makeRoot();
      String when = fault + " at " + count;
      View after;
      try (LayerStore store = LayerStore.open(faulty.wrap(root()))) {
        load(store, both());
        View before = View.of(store);
        PrunePlan plan = store.images().planPrune(PruneOptions.EVERYTHING_UNUSED);
        fail(fault, count);
        PruneReport report = store.images().prune(plan);
        failNoMore();
        isReached = asked.get() > count;
        assertTrue(isReached || report.failed().isEmpty(), when);
        View found = View.of(store);
        assertEquals(without(before.images(), found.images()), Set.copyOf(report.images()), when);
        assertEquals(
            without(before.names().keySet(), found.names().keySet()),
            Set.copyOf(report.references()),
            when);
        if (report.failed().isEmpty()) {
          assertEquals(Set.of(), found.images(), when);
        } else if (fault == Fault.ERROR) {
          assertTrue(found.images().size() < 2, () -> when + ": " + report);
        }
        assertEquals(List.of(), store.cleanup().of(Kind.POSTPONED), when);
        PruneReport rest = store.images().prune(PruneOptions.EVERYTHING_UNUSED);
        assertEquals(List.of(), rest.failed(), when);
        after = View.of(store);
        assertEquals(new View(Set.of(), Map.of(), Set.of()), after, () -> when + ": " + report);
        assertNothingElse(store, when);
      }
      assertNextSees(after, when);
    }
  }

  private static <T> Set<T> without(Set<T> all, Set<T> some) {
    return all.stream().filter(one -> !some.contains(one)).collect(Collectors.toSet());
  }
}
