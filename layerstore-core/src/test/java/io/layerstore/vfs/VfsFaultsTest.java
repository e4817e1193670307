package io.layerstore.vfs;

import static io.layerstore.testing.TreeChange.characterDevice;
import static io.layerstore.testing.TreeChange.dir;
import static io.layerstore.testing.TreeChange.file;
import static io.layerstore.testing.TreeChange.hardLink;
import static io.layerstore.testing.TreeChange.opaque;
import static io.layerstore.testing.TreeChange.remove;
import static io.layerstore.testing.TreeChange.symlink;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.LayerStoreException;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.GraphDriver;
import io.layerstore.testing.FaultyFileSystem;
import io.layerstore.testing.MemoryFiles;
import io.layerstore.testing.TreeChange;
import io.layerstore.testing.TreeSnapshot;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Every change of the file system fails once, or is the last before a crash. */
class VfsFaultsTest {

  private static final TreeChange[] PARENT = {
    dir("d").owner(1, 2),
    file("d/f", "content").owner(3, 4).mode(04755),
    hardLink("d/g", "d/f").owner(3, 4).mode(04755),
    symlink("l", "d//f"),
    characterDevice("null", 1, 3)
  };

  private static final TreeChange[] CHILD = {
    remove("d/g"),
    dir("d").owner(9, 9),
    file("d/h", "more").owner(5, 6),
    opaque("d"),
    file("l", "x")
  };

  private static final int CHANGES_OF_REMOVE = 10;

  private FaultyFileSystem faulty;
  private Path root;
  private GraphDriver driver;

  @BeforeEach
  void makeStore() throws IOException {
    FileSystem jimfs = MemoryFiles.unix();
    faulty = FaultyFileSystem.over(jimfs);
    root = faulty.wrap(Files.createDirectory(jimfs.getPath("/root")));
    driver = VfsTesting.open(root);
    VfsTesting.layer(driver, "a", null, PARENT);
  }

  private List<String> home() throws IOException {
    try (Stream<Path> paths = Files.walk(root.resolve("vfs"))) {
      return paths.map(path -> root.relativize(path).toString()).sorted().toList();
    }
  }

  @FunctionalInterface
  private interface Action {
    void run() throws IOException;
  }

  /** Runs {@code action} with each of its changes failing, until one run needs no more changes. */
  private void forEachFailure(Action action, Action check) throws IOException {
    for (int i = 0; ; i++) {
      faulty.failAt(i);
      boolean hasFailed = false;
      try {
        action.run();
      } catch (LayerStoreException e) {
        hasFailed = true;
      }
      int asked = i;
      faulty.failAt(Integer.MAX_VALUE);
      assertEquals(List.of(), faulty.openResources(), "open after failure at " + asked);
      if (!hasFailed) {
        assertTrue(i > 3, "nothing failed");
        return;
      }
      check.run();
    }
  }

  @Test
  void create_anyChangeFails_leavesNothing() throws IOException {
    List<String> before = home();
    TreeSnapshot parent = TreeSnapshot.of(driver, "a");
    forEachFailure(
        () -> driver.create("b", "a", CreateOptions.DEFAULT),
        () -> {
          // Where even the cleaning up failed, opening again does it.
          driver.close();
          driver = VfsTesting.open(root);
          if (driver.exists("b")) {
            driver.remove("b");
          }
          assertEquals(before, home());
        });
    TreeSnapshot.of(driver, "b").assertSameAs(parent);
  }

  @Test
  void write_anyChangeFails_canBeRemovedAndLeavesNothing() throws IOException {
    List<String> before = home();
    TreeSnapshot parent = TreeSnapshot.of(driver, "a");
    forEachFailure(
        () -> {
          driver.create("b", "a", CreateOptions.DEFAULT);
          VfsTesting.write(driver, "b", "a", CHILD);
        },
        () -> {
          driver.close();
          driver = VfsTesting.open(root);
          driver.remove("b");
          assertEquals(before, home());
        });
    assertEquals(List.of("d", "d/h", "l", "null"), TreeSnapshot.of(driver, "b").paths());
    TreeSnapshot.of(driver, "a").assertSameAs(parent);
  }

  @Test
  void remove_anyChangeFails_allThereOrGone() throws IOException {
    TreeSnapshot parent = TreeSnapshot.of(driver, "a");
    List<String> before = home();
    int kept = 0;
    for (int i = 0; i < CHANGES_OF_REMOVE; i++) {
      driver.create("b", "a", CreateOptions.DEFAULT);
      faulty.failAt(i);
      boolean hasFailed = false;
      try {
        driver.remove("b");
      } catch (LayerStoreException e) {
        hasFailed = true;
        kept++;
      }
      faulty.failAt(Integer.MAX_VALUE);
      assertEquals(List.of(), faulty.openResources());
      assertEquals(hasFailed, driver.exists("b"), "after failure at " + i);
      if (hasFailed) {
        TreeSnapshot.of(driver, "b").assertSameAs(parent);
        driver.remove("b");
      }
      driver.close();
      driver = VfsTesting.open(root);
      assertEquals(before, home(), "after failure at " + i);
    }
    assertTrue(kept > 0, "no failure kept the layer");
  }

  @Test
  void create_crashAtAnyChange_isAllOrNothingAfterOpening() throws IOException {
    TreeSnapshot parent = TreeSnapshot.of(driver, "a");
    List<String> before = home();
    for (int i = 0; ; i++) {
      faulty.stopAfter(i);
      try {
        driver.create("b", "a", CreateOptions.DEFAULT);
      } catch (LayerStoreException e) {
        assertTrue(faulty.isStopped(), e.toString());
      }
      boolean isDone = !faulty.isStopped();
      // The machine starts again: another file system object over the same files.
      faulty = FaultyFileSystem.over(FaultyFileSystem.unwrap(root).getFileSystem());
      root = faulty.wrap(FaultyFileSystem.unwrap(root));
      driver = VfsTesting.open(root);
      if (driver.exists("b")) {
        TreeSnapshot.of(driver, "b").assertSameAs(parent);
        driver.remove("b");
      }
      driver.cleanup();
      assertEquals(before, home(), "after a crash at " + i);
      if (isDone) {
        assertTrue(i > 5, "nothing crashed");
        return;
      }
    }
  }
}
