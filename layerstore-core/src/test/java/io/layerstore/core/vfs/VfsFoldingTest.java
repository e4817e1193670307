package io.layerstore.core.vfs;

import static io.layerstore.core.vfs.VfsTesting.find;
import static io.layerstore.core.vfs.VfsTesting.layer;
import static io.layerstore.core.vfs.VfsTesting.open;
import static io.layerstore.core.vfs.VfsTesting.write;
import static io.layerstore.testing.TreeChange.characterDevice;
import static io.layerstore.testing.TreeChange.dir;
import static io.layerstore.testing.TreeChange.file;
import static io.layerstore.testing.TreeChange.hardLink;
import static io.layerstore.testing.TreeChange.remove;
import static io.layerstore.testing.TreeChange.symlink;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.BreakoutException;
import io.layerstore.DuplicateEntryException;
import io.layerstore.UnsupportedEntryException;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.GraphDriver;
import io.layerstore.testing.TreeChange;
import io.layerstore.testing.TreeSnapshot;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** On file systems that take different names for one, that lack views, or that hold fewer names. */
class VfsFoldingTest {

  private GraphDriver driver;

  private void openOn(Configuration configuration, String top) throws IOException {
    FileSystem fileSystem = Jimfs.newFileSystem(configuration);
    Path root = Files.createDirectory(fileSystem.getPath(top));
    driver = open(root);
  }

  @AfterEach
  void close() throws IOException {
    if (driver != null) {
      driver.close();
    }
  }

  /** What every file system must do with an ordinary layer. */
  private void assertWorks(boolean hasLinks) throws IOException {
    layer(
        driver,
        "a",
        null,
        dir("d").owner(1, 2).mode(01777),
        file("d/f", "x").owner(3, 4).mode(04755).xattr("user.a", "b"),
        hardLink("d/g", "d/f").owner(3, 4).mode(04755),
        file("old", "y"),
        characterDevice("null", 1, 3).mode(0666));
    if (hasLinks) {
      write(driver, "a", null, symlink("l", "d/f"), file("l2", ""), symlink("l2", "d//f"));
    }
    driver.create("b", "a", CreateOptions.DEFAULT);
    TreeSnapshot.of(driver, "a").assertSameAs(TreeSnapshot.of(driver, "b"));
    write(driver, "b", "a", remove("old"), file("d/new", "z"));
    assertTrue(find(driver, "b", "old").isEmpty());
    assertEquals(04755, VfsTesting.entry(driver, "b", "d/g").attributes().mode());
    assertEquals(3, VfsTesting.entry(driver, "b", "d/g").attributes().uid());
    driver.remove("a");
    driver.remove("b");
    assertFalse(driver.exists("b"));
  }

  private void assertCollides(TreeChange... changes) throws IOException {
    driver.create("a", null, CreateOptions.DEFAULT);
    DuplicateEntryException e =
        assertThrows(DuplicateEntryException.class, () -> write(driver, "a", null, changes));
    String last = changes[changes.length - 1].path().names().get(0).toString();
    String first = changes[0].path().names().get(0).toString();
    assertTrue(e.getMessage().contains(last) && e.getMessage().contains(first), e.getMessage());
    driver.remove("a");
  }

  @Nested
  class WithoutViews {

    @Test
    void layers_onPlainUnixConfiguration_work() throws IOException {
      openOn(Configuration.unix(), "/root");
      assertWorks(true);
    }
  }

  @Nested
  class OnMac {

    @Test
    void layers_onMacConfiguration_work() throws IOException {
      openOn(Configuration.osX(), "/root");
      assertFalse(driver.traits().isCaseSensitive());
      assertWorks(true);
    }

    @Test
    void write_namesThatDifferInCase_areRefusedNamingBoth() throws IOException {
      openOn(Configuration.osX(), "/root");
      assertCollides(file("same", "1"), file("Same", "2"));
      assertCollides(dir("same"), dir("SAME"));
    }

    @Test
    void write_belowDirectoryThatDiffersInCase_isRefusedNamingBoth() throws IOException {
      openOn(Configuration.osX(), "/root");
      assertCollides(dir("same"), file("Same/f", "2"));
    }

    @Test
    void write_namesThatDifferInUnicodeForm_areRefused() throws IOException {
      openOn(Configuration.osX(), "/root");
      assertCollides(file("caf\u00e9", "1"), file("cafe\u0301", "2"));
    }

    @Test
    void write_sameNameAgain_isNoCollision() throws IOException {
      openOn(Configuration.osX(), "/root");
      layer(
          driver, "a", null, dir("Dir"), file("Dir/File", "1"), dir("Dir"), file("Dir/File", "2"));
      layer(driver, "b", "a", file("Dir/File", "3"));
      assertEquals(1, VfsTesting.entry(driver, "b", "Dir/File").sizeBytes());
    }

    @Test
    void find_nameThatDiffersInCase_isNotThere() throws IOException {
      openOn(Configuration.osX(), "/root");
      layer(driver, "a", null, file("same", "1"));
      assertTrue(find(driver, "a", "Same").isEmpty());
      assertTrue(find(driver, "a", "same").isPresent());
    }

    @Test
    void write_belowLinkThatClimbsOut_isBreakout() throws IOException {
      openOn(Configuration.osX(), "/root");
      driver.create("a", null, CreateOptions.DEFAULT);
      assertThrows(
          BreakoutException.class,
          () -> write(driver, "a", null, symlink("d", "../outside"), file("d/x", "")));
    }
  }

  @Nested
  class OnWindows {

    @Test
    void layers_onWindowsConfiguration_work() throws IOException {
      openOn(Configuration.windows(), "C:\\root");
      assertWorks(true);
    }

    @Test
    void write_nameThatWindowsCannotHold_isRefused() throws IOException {
      openOn(Configuration.windows(), "C:\\root");
      driver.create("a", null, CreateOptions.DEFAULT);
      for (String name : new String[] {"a:b", "con", "a\\b", "x.", "a?"}) {
        assertThrows(
            UnsupportedEntryException.class, () -> write(driver, "a", null, file(name, "")), name);
      }
    }

    @Test
    void write_linkThatWindowsCannotHold_isRefused() throws IOException {
      openOn(Configuration.windows(), "C:\\root");
      driver.create("a", null, CreateOptions.DEFAULT);
      assertThrows(
          UnsupportedEntryException.class,
          () -> write(driver, "a", null, symlink("l", "/absolute")));
    }
  }
}
