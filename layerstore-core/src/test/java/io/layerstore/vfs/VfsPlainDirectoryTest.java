package io.layerstore.vfs;

import static io.layerstore.testing.TreeChange.characterDevice;
import static io.layerstore.testing.TreeChange.dir;
import static io.layerstore.testing.TreeChange.file;
import static io.layerstore.testing.TreeChange.hardLink;
import static io.layerstore.testing.TreeChange.remove;
import static io.layerstore.testing.TreeChange.symlink;
import static io.layerstore.vfs.VfsTesting.entry;
import static io.layerstore.vfs.VfsTesting.find;
import static io.layerstore.vfs.VfsTesting.layer;
import static io.layerstore.vfs.VfsTesting.open;
import static io.layerstore.vfs.VfsTesting.write;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.ArchiveException;
import io.layerstore.LayerPath;
import io.layerstore.MountOptions;
import io.layerstore.StoreCorruptedException;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.LayerTree;
import io.layerstore.testing.FaultyFileSystem;
import io.layerstore.testing.FileOperation.Kind;
import io.layerstore.testing.MemoryFiles;
import io.layerstore.testing.Refusals;
import io.layerstore.testing.TreeSnapshot;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What is in the plain directory of a layer where the file system is not that of a Unix. */
class VfsPlainDirectoryTest {

  private Path root;
  private GraphDriver driver;

  private void openOn(Configuration configuration, String top) throws IOException {
    FileSystem fileSystem = Jimfs.newFileSystem(configuration);
    root = Files.createDirectory(fileSystem.getPath(top));
    driver = open(root);
  }

  private void openWithoutLinks() throws IOException {
    FaultyFileSystem poor = FaultyFileSystem.over(Jimfs.newFileSystem(Configuration.unix()));
    poor.lack(Kind.CREATE_SYMBOLIC_LINK);
    poor.lack(Kind.CREATE_LINK);
    root = Files.createDirectory(poor.getPath("/root"));
    driver = open(root);
  }

  @AfterEach
  void close() throws IOException {
    if (driver != null) {
      driver.close();
    }
  }

  private Path files(String id) {
    return root.resolve("vfs/dir").resolve(id);
  }

  private static List<String> list(Path directory) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  @Nested
  class Anywhere {

    @Test
    void layers_onPlainUnixConfiguration_areKept() throws IOException {
      openOn(Configuration.unix(), "/root");
      layer(
          driver,
          "a",
          null,
          dir("d").owner(1, 2).mode(01777),
          file("d/f", "x").owner(3, 4).mode(04755).xattr("user.a", "b"),
          hardLink("d/g", "d/f").owner(3, 4).mode(04755),
          file("old", "y"),
          symlink("l", "d//f"),
          characterDevice("null", 1, 3).mode(0666));
      driver.create("b", "a", CreateOptions.DEFAULT);
      TreeSnapshot.of(driver, "a").assertSameAs(TreeSnapshot.of(driver, "b"));
      write(driver, "b", "a", remove("old"), file("d/new", "z"));
      assertTrue(find(driver, "b", "old").isEmpty());
      assertEquals(04755, entry(driver, "b", "d/g").attributes().mode());
      assertEquals(3, entry(driver, "b", "d/g").attributes().uid());
    }

    @Test
    void open_whereAllNamesAreKept_notesNothing() throws IOException {
      openOn(Configuration.unix(), "/root");
      assertEquals(List.of("attributes", "dir", "staging"), list(root.resolve("vfs")));
      layer(driver, "a", null, file("private\uf03ause", "x"));
      assertEquals(List.of("private\uf03ause"), list(files("a")));
    }
  }

  @Nested
  class OnMac {

    @Test
    void write_namesThatDifferInCase_firstIsPlainAndOthersEscaped() throws IOException {
      openOn(Configuration.osX(), "/root");
      layer(driver, "a", null, file("PAM.7", "1"), file("pam.7", "2"), file("Pam.7", "3"));
      assertEquals(List.of("PAM.7", "\uf050am.7", "\uf070am.7"), list(files("a")));
      assertEquals(1, entry(driver, "a", "Pam.7").sizeBytes());
    }

    @Test
    void write_plainNameIsFreeAgain_otherStaysWhatItIs() throws IOException {
      openOn(Configuration.osX(), "/root");
      layer(driver, "a", null, file("PAM", "1"), file("pam", "22"), remove("PAM"));
      assertTrue(find(driver, "a", "PAM").isEmpty());
      assertEquals(2, entry(driver, "a", "pam").sizeBytes());
      write(driver, "a", null, file("pam", "333"), file("PAM", "4"));
      assertEquals(3, entry(driver, "a", "pam").sizeBytes());
      assertEquals(1, entry(driver, "a", "PAM").sizeBytes());
    }

    @Test
    void find_nameThatDiffersInCase_isNotThere() throws IOException {
      openOn(Configuration.osX(), "/root");
      layer(driver, "a", null, file("same", "1"));
      assertTrue(find(driver, "a", "Same").isEmpty());
      assertTrue(find(driver, "a", "same").isPresent());
    }

    @Test
    void write_reservedOnWindowsOnly_isPlain() throws IOException {
      openOn(Configuration.osX(), "/root");
      layer(driver, "a", null, file("Net::DNS", "1"), file("con", "2"));
      assertEquals(List.of("Net::DNS", "con"), list(files("a")));
    }

    @Test
    void write_belowLinkThatClimbsOut_isBreakout() throws IOException {
      openOn(Configuration.osX(), "/root");
      driver.create("a", null, CreateOptions.DEFAULT);
      Refusals.assertRefused(
          ArchiveException.Kind.BREAKOUT,
          () -> write(driver, "a", null, symlink("d", "../outside"), file("d/x", "")));
    }

    @Test
    void open_readOnly_findsEscapedNames() throws IOException {
      openOn(Configuration.osX(), "/root");
      layer(driver, "a", null, file("X", "1"), file("x", "22"));
      driver.close();
      driver = new VfsDriverProvider().open(VfsTesting.context(root, Map.of(), true));
      assertEquals(1, entry(driver, "a", "X").sizeBytes());
      assertEquals(2, entry(driver, "a", "x").sizeBytes());
      assertTrue(find(driver, "a", "\uf078").isEmpty());
    }

    @Test
    void open_storeCarriedToUnix_namesStayWhatTheyAre() throws IOException {
      openOn(Configuration.osX(), "/root");
      layer(driver, "a", null, file("X", "1"), file("x", "22"));
      driver.close();
      Path home = root.resolve("vfs");
      Path carried = Files.createDirectory(MemoryFiles.unix().getPath("/root"));
      try (Stream<Path> paths = Files.walk(home)) {
        for (Path path : paths.toList()) {
          Files.copy(path, carried.resolve(root.relativize(path).toString()));
        }
      }
      driver = open(carried);
      assertEquals(1, entry(driver, "a", "X").sizeBytes());
      assertEquals(2, entry(driver, "a", "x").sizeBytes());
    }

    @Test
    void open_damagedNoteOfNames_isCorrupted() throws IOException {
      openOn(Configuration.osX(), "/root");
      driver.close();
      Files.writeString(root.resolve("vfs/names"), "layerstore vfs escaped names 2: all\n");
      assertThrows(StoreCorruptedException.class, () -> open(root));
    }
  }

  @Nested
  class OnWindows {

    @Test
    void write_namesThatAreNotPossible_areEscaped() throws IOException {
      openOn(Configuration.windows(), "C:\\root");
      layer(driver, "a", null, file("a:b", ""), file("con", ""), file("x.", ""), file("a b", ""));
      assertEquals(List.of("a b", "a\uf03ab", "x\uf02e", "\uf063on"), list(files("a")));
    }

    @Test
    void write_relativeLinkThroughPlainNames_isALink() throws IOException {
      openOn(Configuration.windows(), "C:\\root");
      layer(driver, "a", null, symlink("l", "../d/f"));
      assertTrue(Files.isSymbolicLink(files("a").resolve("l")));
    }

    @Test
    void write_linkThatWouldLeadElsewhere_isAFileWithItsText() throws IOException {
      openOn(Configuration.windows(), "C:\\root");
      for (String text : new String[] {"/etc/motd", "C:\\Windows", "a/con/x"}) {
        driver.create("a", null, CreateOptions.DEFAULT);
        write(driver, "a", null, symlink("l", text));
        assertEquals(text, Files.readString(files("a").resolve("l")));
        assertEquals(text, String.valueOf(entry(driver, "a", "l").linkText().decodeUtf8().get()));
        driver.remove("a");
      }
    }
  }

  @Nested
  class WithoutLinks {

    @Test
    void write_symlink_isAFileWithItsText() throws IOException {
      openWithoutLinks();
      layer(driver, "a", null, symlink("l", "../up"));
      assertEquals("../up", Files.readString(files("a").resolve("l")));
      assertEquals(EntryType.SYMLINK, entry(driver, "a", "l").type());
    }

    @Test
    void write_belowSymlink_goesWhereItLeads() throws IOException {
      openWithoutLinks();
      layer(driver, "a", null, dir("d"), symlink("l", "/d"), file("l/f", "x"));
      assertEquals("x", Files.readString(files("a").resolve("d/f")));
    }

    @Test
    void mount_userWritesOverALink_isAFile() throws IOException {
      openWithoutLinks();
      layer(driver, "a", null, symlink("l", "to"));
      Path mounted = driver.mount("a", MountOptions.DEFAULT);
      Files.writeString(mounted.resolve("l"), "content");
      assertEquals(EntryType.FILE, entry(driver, "a", "l").type());
      assertEquals(7, entry(driver, "a", "l").sizeBytes());
    }

    @Test
    void write_hardLink_everyNameHasTheContentAndIsTheSameFile() throws IOException {
      openWithoutLinks();
      layer(driver, "a", null, file("f", "x"), hardLink("g", "f"), hardLink("h", "g").mode(0600));
      assertEquals("x", Files.readString(files("a").resolve("h")));
      try (LayerTree tree = driver.tree("a")) {
        assertEquals(fileId(tree, "f"), fileId(tree, "g"));
        assertEquals(fileId(tree, "f"), fileId(tree, "h"));
      }
      assertEquals(0600, entry(driver, "a", "f").attributes().mode());
    }

    @Test
    void mount_userChangesOneNameOfAHardLink_itIsAFileOfItsOwn() throws IOException {
      openWithoutLinks();
      layer(driver, "a", null, file("f", "x"), hardLink("g", "f"), hardLink("h", "f"));
      Path mounted = driver.mount("a", MountOptions.DEFAULT);
      Files.writeString(mounted.resolve("g"), "changed");
      try (LayerTree tree = driver.tree("a")) {
        assertNotEquals(fileId(tree, "f"), fileId(tree, "g"));
        assertEquals(fileId(tree, "f"), fileId(tree, "h"));
      }
    }

    @Test
    void create_childOfHardLinks_hasThemToo() throws IOException {
      openWithoutLinks();
      layer(driver, "a", null, file("f", "x"), hardLink("g", "f"), symlink("l", "f"));
      driver.create("b", "a", CreateOptions.DEFAULT);
      TreeSnapshot.of(driver, "a").assertSameAs(TreeSnapshot.of(driver, "b"));
      write(driver, "b", "a", file("x", "1"), hardLink("y", "x"));
      try (LayerTree tree = driver.tree("b")) {
        assertEquals(fileId(tree, "f"), fileId(tree, "g"));
        assertNotEquals(fileId(tree, "f"), fileId(tree, "x"));
      }
    }

    @Test
    void open_noRightToMakeLinks_opens() throws IOException {
      FaultyFileSystem poor = FaultyFileSystem.over(Jimfs.newFileSystem(Configuration.unix()));
      poor.forbid(Kind.CREATE_SYMBOLIC_LINK);
      poor.forbid(Kind.CREATE_LINK);
      root = Files.createDirectory(poor.getPath("/root"));
      driver = open(root);
      assertFalse(driver.exists("a"));
    }

    private static Object fileId(LayerTree tree, String path) throws IOException {
      return tree.find(LayerPath.of(path)).orElseThrow().fileId();
    }
  }
}
