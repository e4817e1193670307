package io.layerstore.vfs;

import static io.layerstore.testing.TreeChange.characterDevice;
import static io.layerstore.testing.TreeChange.dir;
import static io.layerstore.testing.TreeChange.fifo;
import static io.layerstore.testing.TreeChange.file;
import static io.layerstore.testing.TreeChange.hardLink;
import static io.layerstore.testing.TreeChange.opaque;
import static io.layerstore.testing.TreeChange.remove;
import static io.layerstore.testing.TreeChange.symlink;
import static io.layerstore.vfs.VfsTesting.entry;
import static io.layerstore.vfs.VfsTesting.find;
import static io.layerstore.vfs.VfsTesting.layer;
import static io.layerstore.vfs.VfsTesting.open;
import static io.layerstore.vfs.VfsTesting.write;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.StoreCorruptedException;
import io.layerstore.driver.NaiveDiff;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.TreeEntry;
import io.layerstore.testing.Machine;
import io.layerstore.testing.MemoryFiles;
import io.layerstore.testing.TreeSnapshot;
import io.layerstore.vfs.record.AttributeTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the file system does not keep: where it is recorded, and how long it counts. */
class VfsRecordsTest {

  @TempDir Path onDisk;
  private Path root;
  private GraphDriver driver;

  @BeforeEach
  void openDriver() throws IOException {
    root = Files.createDirectory(MemoryFiles.unix().getPath("/root"));
    driver = open(root);
  }

  @AfterEach
  void close() throws IOException {
    driver.close();
  }

  private Path disk(String id) {
    return root.resolve("vfs/dir").resolve(id);
  }

  private Attributes attributes(String id, String path) throws IOException {
    return entry(driver, id, path).attributes();
  }

  private List<String> changes(String id, String parent) throws IOException {
    try (Stream<?> changes = NaiveDiff.of(driver, id, parent).changes()) {
      return changes.map(Object::toString).toList();
    }
  }

  @Nested
  class Children {

    @Test
    void create_onRecordedParent_isTheSameWithoutChanges() throws IOException {
      layer(
          driver,
          "a",
          null,
          dir("d").owner(1, 2).mode(01777),
          file("d/f", "x").owner(3, 4).mode(04755).xattr("security.capability", "c"),
          hardLink("d/g", "d/f").owner(3, 4).mode(04755).xattr("security.capability", "c"),
          symlink("l", "a//b/").owner(5, 6).time(Instant.ofEpochSecond(1, 999)),
          characterDevice("null", 1, 3).mode(0666),
          fifo("p").owner(7, 8));
      driver.create("b", "a", CreateOptions.DEFAULT);
      TreeSnapshot.of(driver, "a").assertSameAs(TreeSnapshot.of(driver, "b"));
      assertEquals(List.of(), changes("b", "a"));
    }

    @Test
    void create_onRecordedParent_needsItNoMore() throws IOException {
      layer(driver, "a", null, file("f", "x").owner(3, 4), characterDevice("null", 1, 3));
      driver.create("b", "a", CreateOptions.DEFAULT);
      driver.remove("a");
      assertEquals(3, attributes("b", "f").uid());
      assertEquals(EntryType.CHARACTER_DEVICE, entry(driver, "b", "null").type());
    }

    @Test
    void write_plainFileOverRecordedOne_hasNothingOfItsRecord() throws IOException {
      layer(driver, "a", null, file("f", "x").owner(3, 4).mode(04755));
      layer(driver, "b", "a", file("f", "x"));
      assertEquals(0, attributes("b", "f").uid());
      assertEquals(0644, attributes("b", "f").mode());
      assertEquals(List.of("C /f"), changes("b", "a"));
    }

    @Test
    void write_plainFileAfterRecordedOneWasRemoved_hasNothingOfItsRecord() throws IOException {
      layer(
          driver, "a", null, dir("d"), file("d/f", "x").owner(3, 4), file("keep", "").owner(1, 1));
      layer(driver, "b", "a", remove("d"), file("d/f", "x"));
      assertEquals(0, attributes("b", "d/f").uid());
      assertEquals(1, attributes("b", "keep").uid());
    }

    @Test
    void write_impliedDirectoryAfterRecordedOneWasRemoved_hasNothingOfItsRecord()
        throws IOException {
      layer(driver, "a", null, dir("d").owner(3, 4).mode(0700));
      layer(driver, "b", "a", remove("d"), file("d/f", "x"));
      assertEquals(0, attributes("b", "d").uid());
      assertEquals(0755, attributes("b", "d").mode());
    }

    @Test
    void write_opaque_keepsTheRecordsOfThisArchive() throws IOException {
      layer(driver, "a", null, dir("d"), file("d/old", "x").owner(3, 4));
      layer(driver, "b", "a", dir("d"), file("d/new", "y").owner(5, 6), opaque("d"));
      assertEquals(5, attributes("b", "d/new").uid());
      assertTrue(find(driver, "b", "d/old").isEmpty());
    }

    @Test
    void write_allRecordsGone_leavesNoTable() throws IOException {
      layer(driver, "a", null, file("f", "x").owner(3, 4));
      layer(driver, "b", "a", file("f", "x"));
      assertFalse(Files.exists(root.resolve("vfs/attributes/b")));
    }

    @Test
    void write_hardLinkToDevice_isThatDevice() throws IOException {
      layer(
          driver,
          "a",
          null,
          characterDevice("null", 1, 3).mode(0666),
          hardLink("zero", "null").mode(0600).owner(9, 9));
      assertEquals(EntryType.CHARACTER_DEVICE, entry(driver, "a", "zero").type());
      assertEquals(entry(driver, "a", "null").device(), entry(driver, "a", "zero").device());
      assertEquals(0600, attributes("a", "null").mode());
      assertEquals(9, attributes("a", "null").uid());
    }

    @Test
    void write_hardLinkToDeviceOfParent_isThatDevice() throws IOException {
      layer(driver, "a", null, characterDevice("null", 1, 3));
      layer(driver, "b", "a", hardLink("zero", "null"));
      assertEquals(entry(driver, "a", "null").device(), entry(driver, "b", "zero").device());
    }

    @Test
    void write_xattrsOfDirectoryAgain_areAddedToThoseItHas() throws IOException {
      layer(driver, "a", null, dir("d").xattr("trusted.a", "1").xattr("trusted.b", "2"));
      layer(driver, "b", "a", dir("d").xattr("trusted.b", "3"));
      List<String> found =
          attributes("b", "d").xattrs().stream()
              .map(xattr -> xattr.name() + "=" + xattr.value())
              .sorted()
              .toList();
      assertEquals(List.of("trusted.a=1", "trusted.b=3"), found);
    }

    @Test
    void write_intoReadWriteLayerThatWasChanged_keepsTheChanges() throws IOException {
      layer(driver, "a", null, file("f", "x").owner(3, 4), file("g", "y").owner(5, 6));
      driver.createReadWrite("rw", "a", CreateOptions.DEFAULT);
      Files.delete(disk("rw").resolve("f"));
      Files.writeString(disk("rw").resolve("f"), "mine");
      write(driver, "rw", "a", file("h", "z").owner(7, 8));
      assertEquals(0, attributes("rw", "f").uid());
      assertEquals(5, attributes("rw", "g").uid());
      assertEquals(7, attributes("rw", "h").uid());
    }
  }

  @Nested
  class Users {

    @BeforeEach
    void makeLayers() throws IOException {
      layer(
          driver,
          "a",
          null,
          file("f", "content").owner(3, 4).mode(04755).xattr("security.capability", "c"),
          characterDevice("null", 1, 3).mode(0666),
          symlink("l", "a//b"));
      driver.createReadWrite("rw", "a", CreateOptions.DEFAULT);
    }

    @Test
    void changes_nothingDone_areNone() throws IOException {
      assertEquals(List.of(), changes("rw", "a"));
    }

    @Test
    void chmod_inTheMount_winsOverTheRecord() throws IOException {
      Files.setPosixFilePermissions(
          disk("rw").resolve("f"), PosixFilePermissions.fromString("rw-------"));
      assertEquals(0600, attributes("rw", "f").mode());
      assertEquals(3, attributes("rw", "f").uid());
      assertEquals(List.of("C /f"), changes("rw", "a"));
    }

    @Test
    void chown_inTheMount_winsOverTheRecord() throws IOException {
      Path file = disk("rw").resolve("f");
      Files.setOwner(
          file, file.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByName("1234"));
      assertEquals(1234, attributes("rw", "f").uid());
    }

    @Test
    void write_inTheMount_losesTheCapabilityOnly() throws IOException {
      Files.writeString(disk("rw").resolve("f"), "changed!");
      assertEquals(List.of(), attributes("rw", "f").xattrs());
      assertEquals(3, attributes("rw", "f").uid());
      assertEquals(04755, attributes("rw", "f").mode());
    }

    @Test
    void replace_inTheMount_isANewFileOfRoot() throws IOException {
      Path file = disk("rw").resolve("f");
      FileTime time = Files.getLastModifiedTime(file);
      Files.writeString(file.resolveSibling("new"), "content");
      Files.setLastModifiedTime(file.resolveSibling("new"), time);
      Files.move(file.resolveSibling("new"), file, StandardCopyOption.REPLACE_EXISTING);
      assertEquals(0, attributes("rw", "f").uid());
      assertEquals(List.of(), attributes("rw", "f").xattrs());
    }

    @Test
    void delete_inTheMount_isADeletion() throws IOException {
      Files.delete(disk("rw").resolve("null"));
      assertTrue(find(driver, "rw", "null").isEmpty());
      assertEquals(List.of("D /null"), changes("rw", "a"));
    }

    @Test
    void writeToPlaceholder_inTheMount_makesItAFile() throws IOException {
      Files.writeString(disk("rw").resolve("null"), "no device");
      assertEquals(EntryType.FILE, entry(driver, "rw", "null").type());
    }

    @Test
    void otherLink_inTheMount_hasItsOwnText() throws IOException {
      Path link = disk("rw").resolve("l");
      Files.delete(link);
      Files.createSymbolicLink(link, link.getFileSystem().getPath("c"));
      assertEquals(ByteString.utf8("c"), entry(driver, "rw", "l").linkText());
    }
  }

  /** On a disk, inodes are used again at once, and files can be told by when they were made. */
  @Nested
  class UsersOnDisk {

    private GraphDriver onDiskDriver;
    private Path mount;

    @BeforeEach
    void makeLayers() throws IOException {
      onDiskDriver = open(onDisk);
      layer(
          onDiskDriver,
          "a",
          null,
          dir("d").xattr("trusted.a", "1"),
          file("d/f", "content").xattr("trusted.a", "1"),
          characterDevice("null", 1, 3).mode(0666));
      onDiskDriver.createReadWrite("rw", "a", CreateOptions.DEFAULT);
      mount = onDisk.resolve("vfs/dir/rw");
      assumeFalse(
          Files.getAttribute(mount, "creationTime").equals(Files.getLastModifiedTime(mount)),
          "the file system does not tell when files were made");
    }

    @AfterEach
    void close() throws IOException {
      onDiskDriver.close();
    }

    private int xattrs(String path) throws IOException {
      return entry(onDiskDriver, "rw", path).attributes().xattrs().size();
    }

    @Test
    void tree_nothingDone_hasTheRecords() throws IOException {
      assertEquals(1, xattrs("d"));
      assertEquals(1, xattrs("d/f"));
    }

    @Test
    void writeInPlace_inTheMount_keepsTheRecord() throws IOException {
      Files.writeString(mount.resolve("d/f"), "more");
      assertEquals(1, xattrs("d/f"));
    }

    @Test
    void deleteAndMakeAgain_inTheMount_isANewFile() throws IOException {
      Files.delete(mount.resolve("d/f"));
      Files.writeString(mount.resolve("d/f"), "content");
      assertEquals(0, xattrs("d/f"));
    }

    @Test
    void deleteAndMakeDirectoryAgain_inTheMount_isANewDirectory() throws IOException {
      Files.delete(mount.resolve("d/f"));
      Files.delete(mount.resolve("d"));
      Files.createDirectory(mount.resolve("d"));
      assertEquals(0, xattrs("d"));
    }

    @Test
    void rename_inTheMount_takesTheRecordAlong() throws IOException {
      Files.move(mount.resolve("d/f"), mount.resolve("d/g"));
      Files.move(mount.resolve("d"), mount.resolve("e"));
      Files.move(mount.resolve("null"), mount.resolve("e/null"));
      assertEquals(1, xattrs("e"));
      assertEquals(1, xattrs("e/g"));
      assertEquals(EntryType.CHARACTER_DEVICE, entry(onDiskDriver, "rw", "e/null").type());
      onDiskDriver.create("b", "rw", CreateOptions.DEFAULT);
      assertEquals(1, entry(onDiskDriver, "b", "e/g").attributes().xattrs().size());
    }

    @Test
    void link_inTheMount_isTheSameFile() throws IOException {
      Files.createLink(mount.resolve("again"), mount.resolve("null"));
      assertEquals(EntryType.CHARACTER_DEVICE, entry(onDiskDriver, "rw", "again").type());
    }
  }

  @Nested
  class Stores {

    private void copyStore(Path from, Path to) throws IOException {
      try (Stream<Path> paths = Files.walk(from)) {
        for (Path path : (Iterable<Path>) paths::iterator) {
          Files.copy(
              path,
              to.resolve(from.relativize(path).toString()),
              LinkOption.NOFOLLOW_LINKS,
              StandardCopyOption.COPY_ATTRIBUTES);
        }
      }
    }

    @Test
    void tree_storeRestoredFromBackup_hasItsRecords() throws IOException {
      layer(
          driver,
          "a",
          null,
          dir("d").owner(1, 2),
          file("d/f", "x").owner(3, 4).mode(04755),
          characterDevice("null", 1, 3));
      // Whatever was made between shifts the inodes of the copy.
      Path backup = Files.createDirectory(root.resolveSibling("backup"));
      Files.createFile(backup.resolveSibling("between"));
      copyStore(root, backup.resolve("root"));
      try (GraphDriver restored = open(backup.resolve("root"))) {
        assertEquals(3, entry(restored, "a", "d/f").attributes().uid());
        assertEquals(04755, entry(restored, "a", "d/f").attributes().mode());
        assertEquals(EntryType.CHARACTER_DEVICE, entry(restored, "a", "null").type());
        layer(restored, "b", "a", file("new", "").owner(9, 9));
        assertEquals(3, entry(restored, "b", "d/f").attributes().uid());
      }
    }

    @Test
    void tree_tableOfAnotherVersion_isRefusedAndNothingMisread() throws IOException {
      layer(driver, "a", null, file("f", "x").owner(3, 4));
      Path table = root.resolve("vfs/attributes/a");
      byte[] bytes = Files.readAllBytes(table);
      bytes[AttributeTable.MAGIC.length - 2] = '9';
      Files.write(table, bytes);
      assertThrows(StoreCorruptedException.class, () -> driver.tree("a"));
      assertThrows(StoreCorruptedException.class, () -> driver.files("a"));
      assertThrows(
          StoreCorruptedException.class, () -> driver.create("b", "a", CreateOptions.DEFAULT));
      assertFalse(driver.exists("b"));
      driver.remove("a");
      assertFalse(driver.exists("a"));
    }

    @Test
    void write_plainEntriesAsRoot_needNoTable() throws IOException {
      Machine.requireRoot();
      try (GraphDriver asRoot = open(onDisk)) {
        layer(
            asRoot,
            "a",
            null,
            dir("d").owner(5, 6).mode(03777),
            file("d/f", "x").owner(1, 2).mode(06755).xattr("user.x", "y"),
            symlink("l", "d/f").owner(7, 8).time(Instant.ofEpochSecond(5, 123_000)));
        assertFalse(Files.exists(onDisk.resolve("vfs/attributes/a")));
        layer(asRoot, "b", "a", characterDevice("null", 1, 3));
        assertTrue(Files.exists(onDisk.resolve("vfs/attributes/b")));
      }
    }

    @Test
    void write_plainEntriesInMemory_needNoTable() throws IOException {
      layer(driver, "a", null, dir("d"), file("d/f", "x"), symlink("l", "d/f"));
      assertFalse(Files.exists(root.resolve("vfs/attributes/a")));
    }

    @Test
    void write_setuidOfOrdinaryUser_isRecordedButNotOnDisk() throws IOException {
      layer(driver, "a", null, file("f", "x").mode(06755));
      assertEquals(06755, attributes("a", "f").mode());
      assertEquals(
          "rwxr-xr-x",
          PosixFilePermissions.toString(Files.getPosixFilePermissions(disk("a").resolve("f"))));
    }

    @Test
    void write_hostLabels_areDroppedWithAWarning() throws IOException {
      var context =
          layer(
              driver,
              "a",
              null,
              file("f", "x").xattr("security.selinux", "label").xattr("security.ok", "kept"));
      assertEquals(
          List.of(ByteString.utf8("security.ok")),
          attributes("a", "f").xattrs().stream().map(xattr -> xattr.name()).toList());
      assertEquals(
          List.of(LayerPath.of("f")),
          context.warnings().stream().map(warning -> warning.path()).toList());
    }

    @Test
    void files_placeholderOfDevice_isNoRegularFile() throws IOException {
      layer(driver, "a", null, characterDevice("null", 1, 3), file("empty", ""));
      try (var files = driver.files("a")) {
        files.open(LayerPath.of("empty"), 0).close();
        assertThrows(IOException.class, () -> files.open(LayerPath.of("null"), 0));
      }
    }

    @Test
    void tree_severalNamesOfOneFile_agreeAfterTheLastWriter() throws IOException {
      layer(
          driver,
          "a",
          null,
          file("f", "x").owner(1, 1),
          hardLink("g", "f").owner(2, 2),
          hardLink("h", "f").owner(3, 3));
      for (String name : List.of("f", "g", "h")) {
        TreeEntry entry = entry(driver, "a", name);
        assertEquals(3, entry.attributes().uid(), name);
      }
    }
  }
}
