package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.MountOptions;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.DriverContext;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.HelperFailureException;
import io.layerstore.spi.LayerTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the driver does when the helper that mounts is killed. */
final class DeadHelperTest {

  @TempDir Path root;
  private Path home;
  private final Set<ProcessHandle> others = Overlay2Testing.mountHelpers();
  private GraphDriver driver;

  @BeforeEach
  void openDriver() throws IOException {
    Overlay2Testing.assumeSupported(root);
    home = root.resolve("overlay2");
    driver = new Overlay2DriverProvider().open(Overlay2Testing.context(root));
    driver.create("base", null, CreateOptions.DEFAULT);
    Files.writeString(home.resolve("base/diff/lower"), "lower");
    driver.createReadWrite("one", "base", CreateOptions.DEFAULT);
    driver.createReadWrite("two", "base", CreateOptions.DEFAULT);
  }

  @AfterEach
  void closeDriver() throws IOException {
    if (driver != null) {
      driver.close();
      assertEquals(List.of(), mountHelpers());
      assertFalse(Files.exists(home.resolve("one/merged")));
      assertFalse(Files.exists(home.resolve("two/merged")));
      assertEquals(List.of(), Overlay2Testing.mountsBelow(root));
    }
  }

  /** Those of this test. */
  private List<ProcessHandle> mountHelpers() {
    return Overlay2Testing.mountHelpers().stream().filter(each -> !others.contains(each)).toList();
  }

  /** Kills the helper; afterwards the driver knows that it is dead. */
  private void killHelper() throws LayerStoreException {
    List<ProcessHandle> helpers = mountHelpers();
    assertEquals(1, helpers.size());
    Overlay2Testing.kill(helpers);
    try {
      driver.cleanup();
    } catch (HelperFailureException e) {
      // Who asks it first is told, unless its end was noticed before.
    }
  }

  private Path mount(String id) throws LayerStoreException {
    return driver.mount(id, MountOptions.DEFAULT);
  }

  @Test
  void mount_another_works() throws IOException {
    driver.unmount(useOnce("one"));
    killHelper();
    Path merged = mount("two");
    assertEquals("lower", Files.readString(merged.resolve("lower")));
    driver.unmount("two");
  }

  private String useOnce(String id) throws LayerStoreException {
    mount(id);
    return id;
  }

  @Test
  void unmount_interruptedAndANewHelperNeeded_isDoneAndStatusStays() throws IOException {
    mount("one");
    killHelper();
    Thread.currentThread().interrupt();
    driver.unmount("one");
    assertTrue(Thread.interrupted());
    assertFalse(Files.exists(home.resolve("one/merged")));
    assertEquals(List.of(), Overlay2Testing.mountsBelow(root));
  }

  @Test
  void mount_interruptedAndANewHelperNeeded_isDoneAndStatusStays() throws IOException {
    driver.unmount(useOnce("one"));
    killHelper();
    Thread.currentThread().interrupt();
    Path merged = mount("two");
    assertTrue(Thread.interrupted());
    assertEquals("lower", Files.readString(merged.resolve("lower")));
    driver.unmount("two");
  }

  @Test
  void mount_theSameAgain_showsWhatWasWritten() throws IOException {
    Files.writeString(mount("one").resolve("f"), "x");
    killHelper();
    Path merged = mount("one");
    assertEquals("x", Files.readString(merged.resolve("f")));
    assertEquals("lower", Files.readString(merged.resolve("lower")));
    driver.unmount("one");
    driver.unmount("one");
    assertFalse(Files.exists(home.resolve("one/merged")));
  }

  @Test
  void unmount_ofTheFirstHolder_leavesTheMountOfTheSecond() throws IOException {
    mount("one");
    killHelper();
    Path merged = mount("one");
    driver.unmount("one");
    assertEquals("lower", Files.readString(merged.resolve("lower")));
    driver.unmount("one");
    assertThrows(IOException.class, () -> Files.readString(merged.resolve("lower")));
  }

  @Test
  void unmount_mountedBefore_leavesNothing() throws IOException {
    mount("one");
    mount("one");
    killHelper();
    driver.unmount("one");
    driver.unmount("one");
    driver.unmount("one");
    assertFalse(Files.exists(home.resolve("one/merged")));
  }

  @Test
  void remove_mountedBefore_worksOnceItIsUnmounted() throws IOException {
    mount("one");
    killHelper();
    driver.unmount("one");
    driver.remove("one");
    assertFalse(driver.exists("one"));
  }

  @Test
  void close_mountedBefore_leavesNothing() throws IOException {
    mount("one");
    mount("two");
    killHelper();
    driver.close();
    assertEquals(List.of(), Overlay2Testing.mountsBelow(root));
  }

  @Test
  void path_mountedByRoot_staysWhereItIs() throws IOException {
    assumeTrue(Overlay2Testing.isRoot(), "an ordinary user's mounts end with their namespace");
    Path merged = mount("one");
    killHelper();
    assertEquals("lower", Files.readString(merged.resolve("lower")));
    assertEquals(merged, mount("one"));
    driver.unmount("one");
    driver.unmount("one");
  }

  @Test
  void tree_afterwards_works() throws IOException {
    try (LayerTree tree = driver.tree("one")) {
      assertTrue(tree.find(LayerPath.of("lower")).isPresent());
    }
    killHelper();
    try (LayerTree tree = driver.tree("one")) {
      assertTrue(tree.find(LayerPath.of("lower")).isPresent());
    }
  }

  @Test
  void mount_storeOpenForReading_worksAgain() throws IOException {
    driver.close();
    DriverContext context = Overlay2Testing.context(root);
    driver =
        new Overlay2DriverProvider()
            .open(
                DriverContext.builder(root, home)
                    .options(context.options())
                    .idMapping(context.idMapping())
                    .durability(context.durability())
                    .readOnly(true)
                    .build());
    Path before;
    try {
      before = mount("one");
    } catch (LayerStoreException e) {
      assumeTrue(false, "no mount without a place on this kernel: " + e.getMessage());
      return;
    }
    Overlay2Testing.kill(mountHelpers());
    assertThrows(IOException.class, () -> Files.readString(before.resolve("lower")));
    try {
      mount("two");
      driver.unmount("two");
    } catch (HelperFailureException e) {
      // As above.
    }
    Path merged = mount("one");
    assertEquals("lower", Files.readString(merged.resolve("lower")));
    driver.unmount("one");
    driver.unmount("one");
  }
}
