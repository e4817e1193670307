package io.layerstore.overlay2.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ByteString;
import io.layerstore.ConcurrentChangeException;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.LayerVerificationException;
import io.layerstore.OperationInterruptedException;
import io.layerstore.overlay2.linux.TreeScan.XattrChoice;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.Xattr;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ScanHelperTest {

  @TempDir Path home;
  private LinuxCalls calls;
  private Path diff;
  private TreeScan scan;

  @BeforeEach
  void openScan() throws LayerStoreException, IOException {
    calls = Helpers.calls();
    Helpers.makeLayer(home, "layer", Helpers.link(1), false);
    diff = home.resolve("layer/diff");
    scan = calls.openDiff(home, "layer");
  }

  @AfterEach
  void closeScan() throws LayerStoreException {
    scan.close();
    calls.remove(home, "layer");
  }

  private static LayerPath path(String text) {
    return LayerPath.of(text);
  }

  private void file(String name, String content) throws IOException {
    Path file = diff.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, content);
  }

  private List<TreeNode> all(XattrChoice xattrs) throws LayerStoreException {
    List<TreeNode> nodes = new ArrayList<>();
    try (NodeReader reader = scan.scan(LayerPath.ROOT, false, xattrs)) {
      TreeNode node = reader.next();
      while (node != null) {
        nodes.add(node);
        node = reader.next();
      }
    }
    return nodes;
  }

  private List<String> names() throws LayerStoreException {
    return all(XattrChoice.NONE).stream().map(node -> node.path().toString()).toList();
  }

  @Nested
  class Scan {

    @Test
    void scan_order_isByBytesWithDirectoriesBeforeWhatIsInThem() throws IOException {
      for (String name : List.of("b", "a/z", "a/b", "a-b", "B", "~", "a/b-c/x")) {
        if (Files.isRegularFile(diff.resolve(name))) {
          Files.delete(diff.resolve(name));
        }
        file(name.equals("a/b") ? "a/b/y" : name, "x");
      }
      assertEquals(
          List.of("B", "a", "a/b", "a/b/y", "a/b-c", "a/b-c/x", "a/z", "a-b", "b", "~"), names());
    }

    @Test
    void scan_empty_hasNoNode() throws IOException {
      try (NodeReader reader = scan.scan(LayerPath.ROOT, true, XattrChoice.ALL)) {
        assertNull(reader.next());
        assertNull(reader.next());
      }
      assertEquals(0, scan.sizeBytes());
    }

    @Test
    void scan_subdirectory_hasFullPaths() throws IOException {
      file("a/b/c", "x");
      file("z", "x");
      try (NodeReader reader = scan.scan(path("a"), false, XattrChoice.NONE)) {
        assertEquals("a/b", reader.next().path().toString());
        assertEquals("a/b/c", reader.next().path().toString());
        assertNull(reader.next());
      }
    }

    @Test
    void scan_file_hasItsAttributes() throws IOException {
      file("f", "hello");
      Instant time = Instant.ofEpochSecond(-1, 999_999_999);
      Files.setLastModifiedTime(diff.resolve("f"), FileTime.from(Instant.ofEpochSecond(-5)));
      Files.setAttribute(diff.resolve("f"), "unix:mode", 0100640);
      TreeNode node = all(XattrChoice.NONE).get(0);
      assertEquals(EntryType.FILE, node.type());
      assertEquals(0640, node.mode());
      assertEquals(5, node.sizeBytes());
      assertEquals(Instant.ofEpochSecond(-5), node.modified());
      assertEquals(1, node.links());
      assertEquals(Files.getAttribute(diff.resolve("f"), "unix:ino"), node.inode());
      assertTrue(node.changed().isAfter(time));
    }

    @Test
    void scan_hardLinks_areSeenOnceAndCountedOnce() throws IOException {
      file("a", "12345");
      Files.createLink(diff.resolve("b"), diff.resolve("a"));
      Files.createSymbolicLink(diff.resolve("l"), Path.of("123"));
      try (NodeReader reader = scan.scan(LayerPath.ROOT, true, XattrChoice.NONE)) {
        TreeNode a = reader.next();
        TreeNode b = reader.next();
        assertFalse(a.wasSeen());
        assertTrue(a.hasContent());
        assertTrue(b.wasSeen());
        assertFalse(b.hasContent());
        assertEquals(a.inode(), b.inode());
        assertEquals(2, b.links());
        assertEquals(ByteString.utf8("123"), reader.next().linkText());
        assertNull(reader.next());
      }
      assertEquals(8, scan.sizeBytes());
    }

    @Test
    void sizeBytes_askedAgainAndAmongOtherThings_isTheSame() throws IOException {
      file("a/b", "12345");
      assertEquals(5, scan.sizeBytes());
      assertEquals(5, scan.find(path("a/b"), XattrChoice.NONE).orElseThrow().sizeBytes());
      assertEquals(5, scan.sizeBytes());
    }

    @Test
    void scan_sockets_areLeftOut() throws IOException {
      file("f", "x");
      try (ServerSocketChannel socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
        // Socket paths have 107 bytes at most.
        Path nearby = Files.createTempDirectory(Path.of("/tmp"), "s");
        Path bound = nearby.resolve("s");
        socket.bind(UnixDomainSocketAddress.of(bound));
        assumeTrue(
            Helpers.run("mv", bound.toString(), diff.resolve("socket").toString()) == 0,
            "cannot move a socket");
        Files.delete(nearby);
        assertEquals(List.of("f"), names());
      }
    }

    @Test
    void scan_deepTree_isComplete() throws IOException {
      StringBuilder deep = new StringBuilder("d0");
      for (int i = 1; i < 200; i++) {
        deep.append("/d").append(i);
        if (i % 10 == 0) {
          file(deep + "/z", "x");
        }
      }
      file(deep + "/f", "x");
      List<String> names = names();
      assertEquals(200 + 19 + 1, names.size());
      assertEquals("d0/d1/d2/d3/d4/d5/d6/d7/d8/d9/d10/z", names.get(names.size() - 1));
    }

    @Test
    void scan_content_isEveryByte() throws IOException {
      byte[] bytes = new byte[1_500_000];
      new Random(1).nextBytes(bytes);
      Files.write(diff.resolve("big"), bytes);
      file("small", "hello");
      try (NodeReader reader = scan.scan(LayerPath.ROOT, true, XattrChoice.NONE)) {
        assertTrue(reader.next().hasContent());
        assertArrayEquals(bytes, reader.content().readAllBytes());
        reader.next();
        assertEquals(
            "hello", new String(reader.content().readAllBytes(), StandardCharsets.US_ASCII));
        assertNull(reader.next());
      }
    }

    @Test
    void scan_contentNotRead_isSkipped() throws IOException {
      Files.write(diff.resolve("a"), new byte[1_000_000]);
      Files.write(diff.resolve("b"), new byte[1_000_000]);
      file("c", "hello");
      try (NodeReader reader = scan.scan(LayerPath.ROOT, true, XattrChoice.NONE)) {
        reader.next();
        reader.next();
        assertEquals(0, reader.content().read());
        assertEquals("c", reader.next().path().toString());
        assertEquals('h', reader.content().read());
        assertNull(reader.next());
        assertThrows(IllegalStateException.class, reader::content);
      }
    }

    @Test
    void scan_fileGrowsUnderTheRead_isConcurrentChange() throws IOException {
      changeUnderTheRead(file -> file.setLength(100 << 20));
    }

    @Test
    void scan_fileShrinksUnderTheRead_isConcurrentChange() throws IOException {
      changeUnderTheRead(file -> file.setLength(10 << 20));
    }

    @Test
    void scan_fileIsOverwrittenUnderTheRead_isConcurrentChange() throws IOException {
      changeUnderTheRead(file -> file.write(1));
    }

    private interface Change {
      void to(RandomAccessFile file) throws IOException;
    }

    private void changeUnderTheRead(Change change) throws IOException {
      // Longer than what can be on its way, so that the helper is still reading.
      Path big = diff.resolve("big");
      try (RandomAccessFile file = new RandomAccessFile(big.toString(), "rw")) {
        file.setLength(64 << 20);
        try (NodeReader reader = scan.scan(LayerPath.ROOT, true, XattrChoice.NONE)) {
          reader.next();
          InputStream content = reader.content();
          assertEquals(0, content.read());
          change.to(file);
          ConcurrentChangeException e =
              assertThrows(ConcurrentChangeException.class, content::readAllBytes);
          assertEquals("big", e.path());
          assertNull(reader.next());
        }
      }
    }

    @Test
    void scan_abandonedForAnother_works() throws IOException {
      Files.write(diff.resolve("a"), new byte[5_000_000]);
      file("b", "x");
      NodeReader reader = scan.scan(LayerPath.ROOT, true, XattrChoice.NONE);
      reader.next();
      assertEquals(2, scan.list(LayerPath.ROOT, XattrChoice.NONE).size());
    }

    @Test
    void scan_interrupted_endsWithStatusSet() throws IOException {
      Thread.currentThread().interrupt();
      assertThrows(
          OperationInterruptedException.class, () -> scan.list(LayerPath.ROOT, XattrChoice.NONE));
      assertTrue(Thread.interrupted());
    }

    @Test
    void close_inTheMiddle_endsAtOnce() throws IOException {
      try (RandomAccessFile file = new RandomAccessFile(diff.resolve("big").toString(), "rw")) {
        file.setLength(1L << 40);
      }
      NodeReader reader = scan.scan(LayerPath.ROOT, true, XattrChoice.NONE);
      reader.next();
      scan.close();
      scan.close();
      assertThrows(IllegalStateException.class, () -> scan.list(LayerPath.ROOT, XattrChoice.NONE));
    }
  }

  @Nested
  class Xattrs {

    private void set(String name, String value, String file) throws IOException {
      assumeTrue(
          Helpers.run("setfattr", "-n", name, "-v", value, diff.resolve(file).toString()) == 0,
          "cannot set " + name);
    }

    private String own(String mark) throws IOException {
      return (Helpers.isRoot() ? "trusted" : "user") + ".overlay." + mark;
    }

    @Test
    void scan_marks_areShownAndOverlaysOwnAttributesAreNot() throws IOException {
      file("o/f", "x");
      file("r/f", "x");
      file("m", "x");
      file("n/f", "x");
      set(own("opaque"), "y", "o");
      set(own("redirect"), "/elsewhere", "r");
      set(own("metacopy"), "", "m");
      set(own("opaque"), "x", "n");
      set(own("origin"), "abc", "n");
      List<TreeNode> nodes = all(XattrChoice.ALL);
      for (TreeNode node : nodes) {
        String name = node.path().toString();
        assertEquals(name.equals("o"), node.isOpaque(), name);
        assertEquals(name.equals("r"), node.isRedirected(), name);
        assertEquals(name.equals("m"), node.isMetacopy(), name);
        assertEquals(List.of(), node.xattrs(), name);
      }
    }

    @Test
    void scan_choice_isRespected() throws IOException {
      file("f", "x");
      set("user.a", "1", "f");
      assertEquals(List.of(), all(XattrChoice.NONE).get(0).xattrs());
      assertEquals(List.of(), all(XattrChoice.CAPABILITY).get(0).xattrs());
      assertEquals(
          List.of(new Xattr(ByteString.utf8("user.a"), ByteString.utf8("1"))),
          all(XattrChoice.ALL).get(0).xattrs());
    }

    @Test
    void scan_escapedName_isShownAsItWas() throws IOException {
      file("f", "x");
      set("user.overlay.overlay.opaque", "y", "f");
      assertEquals(
          List.of(new Xattr(ByteString.utf8("user.overlay.opaque"), ByteString.utf8("y"))),
          all(XattrChoice.ALL).get(0).xattrs());
    }

    @Test
    void scan_capability_isGiven() throws IOException {
      Helpers.assumeRoot();
      file("f", "x");
      set("security.capability", "0x0100000220000000000000000000000000000000", "f");
      assertEquals(20, all(XattrChoice.CAPABILITY).get(0).xattrs().get(0).value().length());
    }
  }

  @Nested
  class Find {

    @Test
    void find_whatIsThere_isGiven() throws IOException {
      file("a/b", "hello");
      assertEquals(5, scan.find(path("a/b"), XattrChoice.NONE).orElseThrow().sizeBytes());
      assertEquals(
          EntryType.DIRECTORY, scan.find(LayerPath.ROOT, XattrChoice.NONE).orElseThrow().type());
    }

    @Test
    void find_nothingThere_isEmptyAndTheScanGoesOn() throws IOException {
      file("f", "x");
      assertTrue(scan.find(path("missing"), XattrChoice.NONE).isEmpty());
      assertTrue(scan.find(path("missing/too"), XattrChoice.NONE).isEmpty());
      assertTrue(scan.find(path("f/below"), XattrChoice.NONE).isEmpty());
      assertTrue(scan.find(path("f"), XattrChoice.NONE).isPresent());
    }

    @Test
    void find_throughLink_isEmpty() throws IOException {
      file("d/f", "x");
      Files.createSymbolicLink(diff.resolve("l"), Path.of("d"));
      assertTrue(scan.find(path("l/f"), XattrChoice.NONE).isEmpty());
      assertEquals(EntryType.SYMLINK, scan.find(path("l"), XattrChoice.NONE).orElseThrow().type());
    }

    @Test
    void list_isOneLevelInOrder() throws IOException {
      file("d/b", "x");
      file("d/a/c", "x");
      file("d/a-b", "x");
      assertEquals(
          List.of("d/a", "d/a-b", "d/b"),
          scan.list(path("d"), XattrChoice.NONE).stream()
              .map(node -> node.path().toString())
              .toList());
    }

    @Test
    void list_noDirectory_throwsAndTheScanGoesOn() throws IOException {
      file("f", "x");
      assertThrows(LayerStoreException.class, () -> scan.list(path("f"), XattrChoice.NONE));
      assertThrows(LayerStoreException.class, () -> scan.list(path("missing"), XattrChoice.NONE));
      assertEquals(1, scan.list(LayerPath.ROOT, XattrChoice.NONE).size());
    }
  }

  @Nested
  class Open {

    private String read(String name, long size, boolean follows) throws IOException {
      try (InputStream in = scan.open(path(name), size, follows)) {
        return new String(in.readAllBytes(), StandardCharsets.UTF_8);
      }
    }

    @Test
    void open_file_givesItsContent() throws IOException {
      file("a/b", "hello");
      file("empty", "");
      assertEquals("hello", read("a/b", 5, false));
      assertEquals("", read("empty", 0, false));
      assertEquals("hello", read("a/b", 5, true));
    }

    @Test
    void open_wrongSize_isVerificationFailureAndTheScanGoesOn() throws IOException {
      file("f", "hello");
      assertThrows(LayerVerificationException.class, () -> read("f", 4, false));
      assertThrows(LayerVerificationException.class, () -> read("missing", 4, false));
      assertThrows(LayerVerificationException.class, () -> read("f/x", 4, false));
      assertEquals("hello", read("f", 5, false));
    }

    @Test
    void open_fifoOrDirectoryOrLink_isVerificationFailureAndDoesNotHang() throws IOException {
      assumeTrue(Helpers.run("mkfifo", diff.resolve("fifo").toString()) == 0, "no mkfifo");
      file("d/f", "x");
      Files.createSymbolicLink(diff.resolve("l"), Path.of("d/f"));
      assertThrows(LayerVerificationException.class, () -> read("fifo", 0, true));
      assertThrows(LayerVerificationException.class, () -> read("d", 4096, true));
      assertThrows(LayerVerificationException.class, () -> read("l", 1, true));
    }

    @Test
    void open_throughLink_followsOnRequestAndInsideOnly() throws IOException {
      file("usr/bin/x", "hello");
      Files.createSymbolicLink(diff.resolve("bin"), Path.of("usr/bin"));
      Files.createSymbolicLink(diff.resolve("abs"), Path.of("/usr"));
      Files.writeString(home.resolve("canary"), "outside");
      Files.createSymbolicLink(diff.resolve("out"), Path.of("../.."));
      assertEquals("hello", read("bin/x", 5, true));
      assertEquals("hello", read("abs/bin/x", 5, true));
      assertThrows(LayerVerificationException.class, () -> read("bin/x", 5, false));
      assertThrows(LayerVerificationException.class, () -> read("out/canary", 7, true));
    }

    @Test
    void open_notReadToItsEnd_isSkipped() throws IOException {
      Files.write(diff.resolve("big"), new byte[3_000_000]);
      file("f", "hello");
      InputStream big = scan.open(path("big"), 3_000_000, false);
      assertEquals(0, big.read());
      assertEquals("hello", read("f", 5, false));
      big.close();
    }
  }

  @Test
  void openTree_mountOfALayer_showsIt() throws IOException {
    MountSettings settings = Helpers.settings(calls, home);
    Helpers.makeLayer(home, "top", Helpers.link(2), true);
    file("f", "lower");
    try (Mounts mounts = calls.openMounts(home, settings)) {
      mounts.mount(OverlayMount.readWrite("top", List.of(Helpers.link(1))));
      try (TreeScan tree = calls.openTree(mounts.merged("top"));
          InputStream in = tree.open(path("f"), 5, false)) {
        assertEquals("lower", new String(in.readAllBytes(), StandardCharsets.US_ASCII));
      }
    }
    calls.remove(home, "top");
  }
}
