package io.layerstore.vfs;

import static io.layerstore.testing.TreeChange.dir;
import static io.layerstore.testing.TreeChange.file;
import static io.layerstore.vfs.VfsTesting.entry;
import static io.layerstore.vfs.VfsTesting.layer;
import static io.layerstore.vfs.VfsTesting.write;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.DriverException;
import io.layerstore.MountOptions;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.GraphDriver;
import io.layerstore.testing.MemoryFiles;
import io.layerstore.testing.RecordingWriteContext;
import io.layerstore.testing.TreeSnapshot;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.time.Instant;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Archives over directories of a layer that somebody may be using. */
class VfsMountedLayerTest {

  private static final Instant ODD_TIME = Instant.ofEpochSecond(1_000_000_000, 123_456_789);

  /** What holds wherever directories can be held open. */
  abstract static class Contract {

    private GraphDriver driver;
    private Path mounted;

    abstract Path newRoot() throws IOException;

    @BeforeEach
    void mountLayer() throws IOException {
      driver = VfsTesting.open(newRoot());
      layer(
          driver,
          "a",
          null,
          dir("d").mode(0755).xattr("user.old", "1"),
          file("d/f", "x"),
          dir("tmp").mode(01777));
      mounted = driver.mount("a", MountOptions.DEFAULT);
    }

    @AfterEach
    void close() throws IOException {
      driver.close();
    }

    @Test
    void write_directoryOverDirectory_hasAttributesOfTheArchive() throws IOException {
      write(
          driver, "a", null, dir("d").mode(0710).owner(7, 8).time(ODD_TIME).xattr("user.new", "2"));
      Attributes now = entry(driver, "a", "d").attributes();
      assertEquals(0710, now.mode());
      assertEquals(7, now.uid());
      assertEquals(8, now.gid());
      assertEquals(ODD_TIME, now.modified());
      assertEquals(2, now.xattrs().size());
      assertEquals("x", Files.readString(mounted.resolve("d/f")));
    }

    @Test
    void write_directoryOverDirectory_showsPermissionsInTheMount() throws IOException {
      write(driver, "a", null, dir("d").mode(0710));
      assertEquals(
          Set.of(
              PosixFilePermission.OWNER_READ,
              PosixFilePermission.OWNER_WRITE,
              PosixFilePermission.OWNER_EXECUTE,
              PosixFilePermission.GROUP_EXECUTE),
          Files.getPosixFilePermissions(mounted.resolve("d")));
    }

    @Test
    void create_onMountedLayer_childHasTheSame() throws IOException {
      write(driver, "a", null, dir("d").mode(02750).owner(7, 8).time(ODD_TIME));
      driver.create("b", "a", CreateOptions.DEFAULT);
      TreeSnapshot.of(driver, "b").assertSameAs(TreeSnapshot.of(driver, "a"));
      assertEquals(02750, entry(driver, "b", "d").attributes().mode());
    }

    @Test
    void write_sameSpecialMode_keepsIt() throws IOException {
      RecordingWriteContext context = write(driver, "a", null, dir("tmp").mode(01777));
      assertEquals(01777, entry(driver, "a", "tmp").attributes().mode());
      assertEquals(0, context.warnings().size());
    }
  }

  @Nested
  class OnDisk extends Contract {

    @TempDir private Path directory;

    @Override
    Path newRoot() {
      return directory;
    }

    @Test
    void write_newSticky_isRecordedAndNobodyElseMayWrite() throws IOException {
      assumeTrue(
          VfsTesting.isRoot(directory), "an ordinary user has no setuid, setgid or sticky on disk");
      GraphDriver driver = super.driver;
      RecordingWriteContext context = write(driver, "a", null, dir("d").mode(01777));
      assertEquals(01777, entry(driver, "a", "d").attributes().mode());
      assertEquals(1, context.warnings().size());
      assertFalse(
          Files.getPosixFilePermissions(super.mounted.resolve("d"))
              .contains(PosixFilePermission.OTHERS_WRITE));
    }

    @Test
    void write_otherValueOfXattr_isRefused() throws IOException {
      GraphDriver driver = super.driver;
      UserDefinedFileAttributeView view =
          Files.getFileAttributeView(
              super.mounted.resolve("d"), UserDefinedFileAttributeView.class);
      assumeTrue(
          view != null && view.list().contains("old"), "needs extended attributes on the disk");
      assertThrows(
          DriverException.class,
          () -> write(driver, "a", null, dir("d").xattr("user.old", "changed")));
      write(driver, "a", null, dir("d").xattr("user.old", "1"));
    }
  }

  @Nested
  class InMemory extends Contract {

    @Override
    Path newRoot() throws IOException {
      return Files.createDirectory(MemoryFiles.unix().getPath("/root"));
    }
  }

  /** A file system like that of a Mac, in Jimfs, has no directories to hold open. */
  @Nested
  class WithoutOpenDirectories {

    @Test
    void openWriter_mounted_isRefusedUntilUnmounted() throws IOException {
      try (FileSystem memory = Jimfs.newFileSystem(Configuration.osX())) {
        Path root = Files.createDirectory(memory.getPath("/root"));
        try (GraphDriver driver = VfsTesting.open(root)) {
          layer(driver, "a", null, dir("d"));
          driver.mount("a", MountOptions.DEFAULT);
          assertThrows(DriverException.class, () -> write(driver, "a", null, dir("d")));
          driver.unmount("a");
          write(driver, "a", null, dir("d").mode(0700));
          assertEquals(0700, entry(driver, "a", "d").attributes().mode());
        }
      }
    }
  }
}
