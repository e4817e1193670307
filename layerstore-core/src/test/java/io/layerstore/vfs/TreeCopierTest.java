package io.layerstore.vfs;

import static io.layerstore.vfs.VfsTesting.entry;
import static io.layerstore.vfs.VfsTesting.find;
import static io.layerstore.vfs.VfsTesting.open;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ByteString;
import io.layerstore.OperationInterruptedException;
import io.layerstore.driver.NaiveDiff;
import io.layerstore.driver.rooted.ByteNames;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.GraphDriver;
import io.layerstore.testing.Machine;
import io.layerstore.testing.Tool;
import io.layerstore.testing.TreeSnapshot;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
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

/** A child is a faithful copy, also of what only Docker could have made. */
class TreeCopierTest {

  @TempDir Path root;
  private GraphDriver driver;

  /** The files of the parent, which are made by other means than the driver's. */
  private Path parent;

  private Path child;

  @BeforeEach
  void createParent() throws IOException {
    driver = open(root);
    driver.create("a", null, CreateOptions.DEFAULT);
    parent = root.resolve("vfs/dir/a");
    child = root.resolve("vfs/dir/b");
  }

  @AfterEach
  void close() throws IOException {
    driver.close();
  }

  private void copy() throws IOException {
    driver.create("b", "a", CreateOptions.DEFAULT);
  }

  private void assertNoChanges() throws IOException {
    try (Stream<?> changes = NaiveDiff.of(driver, "b", "a").changes()) {
      assertEquals(List.of(), changes.toList());
    }
  }

  @Nested
  class Content {

    @Test
    void create_largeFileWithHoles_isTheSameAndHasHolesAgain() throws Exception {
      Path file = parent.resolve("sparse");
      long size = (64L << 20) + 5;
      try (FileChannel out =
          FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        out.write(ByteBuffer.wrap(new byte[] {1, 2, 3}), 10 << 20);
        out.write(ByteBuffer.wrap(new byte[] {0}), size - 1);
      }
      copy();
      assertEquals(size, Files.size(child.resolve("sparse")));
      assertEquals(-1, Files.mismatch(file, child.resolve("sparse")));
      assertNoChanges();
      Tool stat = Tool.require("stat");
      long blocks = Long.parseLong(stat.run("-c", "%b", child.resolve("sparse").toString()).text());
      assertTrue(blocks * 512 < 1 << 20, blocks + " blocks");
    }

    @Test
    void create_largeFileWithoutHoles_isTheSame() throws IOException {
      byte[] bytes = new byte[3 << 20];
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = (byte) (i * 31 + 1);
      }
      Files.write(parent.resolve("dense"), bytes);
      copy();
      assertEquals(-1, Files.mismatch(parent.resolve("dense"), child.resolve("dense")));
    }

    @Test
    void create_fileOfTheChild_isIndependentOfTheParent() throws IOException {
      Files.writeString(parent.resolve("f"), "x");
      copy();
      Files.writeString(child.resolve("f"), "changed");
      assertEquals("x", Files.readString(parent.resolve("f")));
    }
  }

  @Nested
  class Attributes {

    @Test
    void create_timesWithNanoseconds_areTheSame() throws IOException {
      FileTime time = FileTime.from(Instant.ofEpochSecond(1_500_000_000, 123_456_789));
      Path directory = Files.createDirectory(parent.resolve("d"));
      Files.setLastModifiedTime(Files.writeString(directory.resolve("f"), "x"), time);
      Files.createSymbolicLink(directory.resolve("l"), Path.of("f"));
      Files.setLastModifiedTime(directory, time);
      copy();
      assertNoChanges();
      assertEquals(time, Files.getLastModifiedTime(child.resolve("d/f")));
      assertEquals(time, Files.getLastModifiedTime(child.resolve("d")));
      assertEquals(
          Files.getLastModifiedTime(directory.resolve("l"), LinkOption.NOFOLLOW_LINKS).toInstant(),
          entry(driver, "b", "d/l").attributes().modified());
    }

    @Test
    void create_linkTextThatNoPathHas_isTheSame() throws Exception {
      Tool.require("ln").run("-s", "a//./b/", parent.resolve("l"));
      copy();
      assertEquals("a//./b/", Tool.require("readlink").run(child.resolve("l")).text());
    }

    @Test
    void create_hardLinks_areOneFileAgain() throws IOException {
      Files.writeString(parent.resolve("f"), "x");
      Files.createDirectory(parent.resolve("d"));
      Files.createLink(parent.resolve("d/g"), parent.resolve("f"));
      Files.createSymbolicLink(parent.resolve("l"), Path.of("f"));
      Files.createLink(parent.resolve("m"), parent.resolve("l"));
      copy();
      assertTrue(Files.isSameFile(child.resolve("f"), child.resolve("d/g")));
      assertEquals(
          Files.getAttribute(child.resolve("l"), "unix:ino", LinkOption.NOFOLLOW_LINKS),
          Files.getAttribute(child.resolve("m"), "unix:ino", LinkOption.NOFOLLOW_LINKS));
      TreeSnapshot.of(driver, "a").assertSameAs(TreeSnapshot.of(driver, "b"));
    }

    @Test
    void create_modeOfTheRoot_isTheSame() throws IOException {
      Files.setPosixFilePermissions(parent, PosixFilePermissions.fromString("rwx------"));
      copy();
      assertEquals(
          PosixFilePermissions.fromString("rwx------"), Files.getPosixFilePermissions(child));
    }
  }

  @Nested
  class MadeByDocker {

    @BeforeEach
    void requireRoot() {
      Machine.requireRoot();
    }

    @Test
    void create_capabilityOnDisk_isOnTheCopy() throws Exception {
      Files.writeString(parent.resolve("ping"), "x");
      Tool.require("setcap").run("cap_net_raw+ep", parent.resolve("ping"));
      copy();
      String capability = Tool.require("getcap").run(child.resolve("ping")).text();
      assertTrue(capability.contains("cap_net_raw"), capability);
    }

    @Test
    void create_trustedXattrOfDirectory_isOnTheCopy() throws Exception {
      Path directory = Files.createDirectory(parent.resolve("d"));
      Tool.require("setfattr").run("-n", "trusted.test", "-v", "x", directory);
      copy();
      String value =
          Tool.require("getfattr")
              .run("--only-values", "-n", "trusted.test", child.resolve("d"))
              .text();
      assertEquals("x", value);
    }

    @Test
    void create_devices_areRecordedBesidePlaceholders() throws Exception {
      Tool mknod = Tool.require("mknod");
      mknod.run("-m", "0620", parent.resolve("tty"), "c", "4", "64");
      // Majors from 240 on belong to no driver.
      mknod.run("-m", "0660", parent.resolve("disk"), "b", "240", "259");
      mknod.run("-m", "0600", parent.resolve("pipe"), "p");
      copy();
      for (String name : List.of("tty", "disk", "pipe")) {
        assertEquals(entry(driver, "a", name), entry(driver, "b", name));
      }
      assertNoChanges();
      assertEquals(new Device(4, 64), entry(driver, "b", "tty").device());
      assertEquals(new Device(240, 259), entry(driver, "b", "disk").device());
      assertEquals(0620, entry(driver, "b", "tty").attributes().mode());
      assertEquals(EntryType.FIFO, entry(driver, "b", "pipe").type());
      assertEquals(0, Files.size(child.resolve("tty")));
    }

    @Test
    void create_socket_isAFifo() throws Exception {
      Tool.require("python3")
          .in(parent)
          .run("-c", "import socket; socket.socket(socket.AF_UNIX).bind('s')");
      copy();
      assertTrue(find(driver, "a", "s").isEmpty());
      assertEquals(EntryType.FIFO, entry(driver, "b", "s").type());
    }

    @Test
    void create_ownersAndSpecialModes_areTheSame() throws IOException {
      Path file = Files.writeString(parent.resolve("f"), "x");
      Files.setAttribute(file, "unix:uid", 1234);
      Files.setAttribute(file, "unix:gid", 2345);
      Files.setAttribute(file, "unix:mode", 06711);
      copy();
      assertNoChanges();
      assertEquals(1234, Files.getAttribute(child.resolve("f"), "unix:uid"));
      assertEquals(06711, (Integer) Files.getAttribute(child.resolve("f"), "unix:mode") & 07777);
      assertFalse(Files.exists(root.resolve("vfs/attributes/b")));
    }
  }

  @Nested
  class Failure {

    @Test
    void create_interrupted_throwsAndLeavesNothing() throws IOException {
      Files.writeString(parent.resolve("f"), "x");
      Thread.currentThread().interrupt();
      assertThrows(OperationInterruptedException.class, TreeCopierTest.this::copy);
      assertTrue(Thread.interrupted());
      assertFalse(driver.exists("b"));
      try (Stream<Path> staging = Files.list(root.resolve("vfs/staging"))) {
        assertEquals(0, staging.count());
      }
    }

    @Test
    void create_nameTooLongForTheSystem_throwsAndLeavesNothing() throws Exception {
      // A path that can be made by going there, but not named from the root.
      assumeTrue(Files.isExecutable(Path.of("/bin/sh")), "needs a shell");
      Tool.require("sh")
          .in(parent)
          .run("-c", "n=$(printf %0200d 0); for i in $(seq 25); do mkdir $n && cd -P $n; done");
      assertThrows(IOException.class, TreeCopierTest.this::copy);
      assertFalse(driver.exists("b"));
      driver.remove("a");
      assertFalse(driver.exists("a"));
    }
  }

  @Test
  void create_namesInAnyBytes_areTheSame() throws IOException {
    ByteNames names = new ByteNames(root.getFileSystem());
    ByteString name = ByteString.of("caf\u00e9\n".getBytes(StandardCharsets.ISO_8859_1));
    Files.writeString(parent.resolve(names.toPath(name)), "x");
    copy();
    TreeSnapshot.of(driver, "a").assertSameAs(TreeSnapshot.of(driver, "b"));
    assertEquals("x", Files.readString(child.resolve(names.toPath(name))));
  }
}
