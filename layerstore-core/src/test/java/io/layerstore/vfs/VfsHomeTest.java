package io.layerstore.vfs;

import static io.layerstore.testing.TreeChange.file;
import static io.layerstore.vfs.VfsTesting.context;
import static io.layerstore.vfs.VfsTesting.layer;
import static io.layerstore.vfs.VfsTesting.open;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.DriverException;
import io.layerstore.Durability;
import io.layerstore.IdMapping;
import io.layerstore.MountBusyException;
import io.layerstore.MountOptions;
import io.layerstore.ReadOnlyStoreException;
import io.layerstore.RecoveryReport;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.DriverContext;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.ProbeResult;
import io.layerstore.testing.Machine;
import io.layerstore.testing.MemoryFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The driver's home: what is in it, who may look, and what is put in order. */
class VfsHomeTest {

  private Path root;
  private Path home;

  @BeforeEach
  void makeRoot() throws IOException {
    root = Files.createDirectory(MemoryFiles.unix().getPath("/root"));
    home = root.resolve("vfs");
  }

  private static List<String> list(Path directory) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.map(entry -> entry.getFileName().toString()).sorted().toList();
    }
  }

  private static String permissions(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  @Nested
  class Directories {

    @Test
    void open_newHome_hasDockersModes() throws IOException {
      try (GraphDriver driver = open(root)) {
        driver.create("a", null, CreateOptions.DEFAULT);
        assertEquals("rwx--x---", permissions(home));
        assertEquals("rwx--x---", permissions(home.resolve("dir")));
        assertEquals("rwxr-xr-x", permissions(home.resolve("dir/a")));
        assertEquals("rwx------", permissions(home.resolve("attributes")));
        assertEquals("rwx------", permissions(home.resolve("staging")));
      }
    }

    @Test
    void metadata_layer_isItsDirectory() throws IOException {
      try (GraphDriver driver = open(root)) {
        driver.create("a", null, CreateOptions.DEFAULT);
        assertEquals(Map.of("SourceDir", "/root/vfs/dir/a"), driver.metadata("a"));
      }
    }

    @Test
    void mount_layer_isItsDirectory() throws IOException {
      try (GraphDriver driver = open(root)) {
        driver.create("a", null, CreateOptions.DEFAULT);
        assertEquals(home.resolve("dir/a"), driver.mount("a", MountOptions.DEFAULT));
      }
    }

    @Test
    void ids_otherThingsAmongLayers_areNotListed() throws IOException {
      try (GraphDriver driver = open(root)) {
        driver.create("a", null, CreateOptions.DEFAULT);
        Files.createDirectory(home.resolve("dir/.hidden"));
        Files.createFile(home.resolve("dir/file"));
        Files.createSymbolicLink(home.resolve("dir/link"), home.resolve("dir/a"));
        assertEquals(List.of("a"), driver.ids());
        assertFalse(driver.exists("link"));
      }
    }

    @Test
    void create_idmappedStore_givesHomeToTheGroupOfItsRoot(@TempDir Path onDisk)
        throws IOException {
      Machine.requireRoot();
      IdMapping mapping =
          new IdMapping(
              IdMapping.parseRanges("0:100000:65536"), IdMapping.parseRanges("0:200000:65536"));
      DriverContext context =
          DriverContext.builder(onDisk, onDisk.resolve("vfs"))
              .idMapping(mapping)
              .durability(Durability.NONE)
              .build();
      try (GraphDriver driver = new VfsDriverProvider().open(context)) {
        driver.create("a", null, CreateOptions.DEFAULT);
        assertEquals(200000, Files.getAttribute(onDisk.resolve("vfs"), "unix:gid"));
        assertEquals(200000, Files.getAttribute(onDisk.resolve("vfs/dir"), "unix:gid"));
        assertEquals(100000, Files.getAttribute(onDisk.resolve("vfs/dir/a"), "unix:uid"));
        assertEquals(200000, Files.getAttribute(onDisk.resolve("vfs/dir/a"), "unix:gid"));
      }
    }
  }

  @Nested
  class Options {

    @Test
    void open_dockersXattrOption_isTaken() throws IOException {
      Map<String, String> options = Map.of("vfs.xattrs", "i_want_broken_containers");
      new VfsDriverProvider().open(context(root, options, false)).close();
      assertTrue(Files.isDirectory(home));
    }

    @Test
    void open_otherXattrOption_isRefused() {
      assertRefused(Map.of("vfs.xattrs", "yes"), "i_want_broken_containers");
    }

    @Test
    void open_size_isRefusedWithTheReason() {
      assertRefused(Map.of("size", "10G"), "quota");
    }

    @Test
    void open_unknownOption_isRefusedByName() {
      assertRefused(Map.of("colour", "red"), "colour");
    }

    private void assertRefused(Map<String, String> options, String expected) {
      DriverContext context = context(root, options, false);
      DriverException e =
          assertThrows(DriverException.class, () -> new VfsDriverProvider().open(context));
      assertTrue(e.getMessage().contains(expected), e.getMessage());
      assertFalse(Files.exists(home));
    }

    @Test
    void createReadWrite_size_isRefusedWithTheReasonAndLeavesNothing() throws IOException {
      try (GraphDriver driver = open(root)) {
        CreateOptions options = CreateOptions.builder().storageOption("size", "10G").build();
        DriverException e =
            assertThrows(DriverException.class, () -> driver.createReadWrite("a", null, options));
        assertTrue(e.getMessage().contains("quota"), e.getMessage());
        assertEquals(List.of(), driver.ids());
        assertEquals(List.of(), list(home.resolve("staging")));
      }
    }

    @Test
    void create_label_isRefused() throws IOException {
      try (GraphDriver driver = open(root)) {
        CreateOptions options =
            CreateOptions.builder().mountLabel("system_u:object_r:svirt_t:s0").build();
        assertThrows(DriverException.class, () -> driver.createReadWrite("a", null, options));
        assertFalse(driver.exists("a"));
      }
    }

    @Test
    void mount_label_isRefusedAndNotCounted() throws IOException {
      try (GraphDriver driver = open(root)) {
        driver.create("a", null, CreateOptions.DEFAULT);
        MountOptions labelled =
            MountOptions.builder().mountLabel("system_u:object_r:svirt_t:s0").build();
        assertThrows(DriverException.class, () -> driver.mount("a", labelled));
        driver.remove("a");
        assertFalse(driver.exists("a"));
      }
    }
  }

  @Nested
  class Recovery {

    @Test
    void open_workInProgress_isRemovedAndReported() throws IOException {
      open(root).close();
      Files.createDirectories(home.resolve("staging/a.1/files/deep"));
      try (GraphDriver driver = open(root)) {
        assertEquals(List.of(), list(home.resolve("staging")));
        List<RecoveryReport.Finding> findings =
            driver.recoveryReport().of(RecoveryReport.Kind.DRIVER_REPAIR);
        assertEquals(List.of("a.1"), findings.stream().map(finding -> finding.id()).toList());
      }
    }

    @Test
    void cleanup_recordsOfLayersThatAreGone_areRemoved() throws IOException {
      try (GraphDriver driver = open(root)) {
        layer(driver, "a", null, file("f", "x").owner(5, 6));
        Files.copy(home.resolve("attributes/a"), home.resolve("attributes/gone"));
        Files.createFile(home.resolve("attributes/.foreign"));
        driver.cleanup();
        assertEquals(List.of(".foreign", "a"), list(home.resolve("attributes")));
      }
    }

    @Test
    void create_recordsOfAnEarlierLayerOfThatId_areNotTaken() throws IOException {
      try (GraphDriver driver = open(root)) {
        layer(driver, "a", null, file("f", "x").owner(5, 6));
        Files.move(home.resolve("attributes/a"), home.resolve("attributes/b"));
        driver.create("b", null, CreateOptions.DEFAULT);
        assertEquals(List.of(), list(home.resolve("attributes")));
      }
    }

    @Test
    void remove_layer_removesItsRecords() throws IOException {
      try (GraphDriver driver = open(root)) {
        layer(driver, "a", null, file("f", "x").owner(5, 6));
        assertEquals(List.of("a"), list(home.resolve("attributes")));
        driver.remove("a");
        assertEquals(List.of(), list(home.resolve("attributes")));
      }
    }

    @Test
    void remove_mountedLayer_isRefusedUntilItIsUnmounted() throws IOException {
      try (GraphDriver driver = open(root)) {
        layer(driver, "a", null, file("f", "x"));
        driver.mount("a", MountOptions.DEFAULT);
        assertThrows(MountBusyException.class, () -> driver.remove("a"));
        assertTrue(Files.exists(home.resolve("dir/a/f")));
        driver.unmount("a");
        driver.remove("a");
        assertFalse(driver.exists("a"));
      }
    }

    @Test
    void remove_interruptedThread_removesAllTheSame() throws IOException {
      try (GraphDriver driver = open(root)) {
        layer(driver, "a", null, file("d/f", "x"));
        Thread.currentThread().interrupt();
        driver.remove("a");
        assertTrue(Thread.interrupted());
        assertFalse(driver.exists("a"));
        assertEquals(List.of(), list(home.resolve("staging")));
      }
    }
  }

  @Nested
  class ReadOnly {

    @Test
    void everyChange_readOnly_isRefused() throws IOException {
      try (GraphDriver driver = open(root)) {
        layer(driver, "a", null, file("f", "x").owner(5, 6));
      }
      try (GraphDriver driver = new VfsDriverProvider().open(context(root, Map.of(), true))) {
        assertThrows(
            ReadOnlyStoreException.class, () -> driver.create("b", null, CreateOptions.DEFAULT));
        assertThrows(ReadOnlyStoreException.class, () -> driver.remove("a"));
        assertThrows(ReadOnlyStoreException.class, driver::cleanup);
        assertEquals(5, VfsTesting.entry(driver, "a", "f").attributes().uid());
      }
    }

    @Test
    void open_readOnlyByAnotherUser_showsTheOwnersOfTheStore(@TempDir Path onDisk)
        throws IOException {
      Machine.requireRoot();
      try (GraphDriver driver = open(onDisk)) {
        layer(driver, "a", null, file("f", "x"));
      }
      // As if somebody who is not root had made it.
      try (Stream<Path> paths = Files.walk(onDisk)) {
        for (Path path : (Iterable<Path>) paths::iterator) {
          Files.setAttribute(path, "unix:uid", 1234, LinkOption.NOFOLLOW_LINKS);
          Files.setAttribute(path, "unix:gid", 1234, LinkOption.NOFOLLOW_LINKS);
        }
      }
      try (GraphDriver driver = new VfsDriverProvider().open(context(onDisk, Map.of(), true))) {
        assertEquals(0, VfsTesting.entry(driver, "a", "f").attributes().uid());
        assertEquals(0, VfsTesting.entry(driver, "a", "f").attributes().gid());
      }
    }
  }

  @Nested
  class Probe {

    @Test
    void probe_placeWithoutLinks_saysSoAndLeavesNothing(@TempDir Path onDisk) throws IOException {
      assumeTrue(!Machine.isRoot(), "root may write anywhere");
      Path locked = Files.createDirectory(onDisk.resolve("locked"));
      Files.setPosixFilePermissions(locked, PosixFilePermissions.fromString("r-xr-xr-x"));
      ProbeResult result = new VfsDriverProvider().probe(context(locked));
      assertFalse(result.isSupported());
      assertTrue(result.detail().contains("locked"), result.detail());
    }
  }
}
