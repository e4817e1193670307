package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.ChainId;
import io.layerstore.Change;
import io.layerstore.DriverException;
import io.layerstore.Durability;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.testing.Refusals;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.Tool;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The archive and the list of changes of what the kernel has left in an upper directory. */
final class KernelUpperTest {

  private static final @Nullable ChainId NO_PARENT = null;
  private static final int BLOCK = 512;

  @TempDir Path root;
  private LayerStore store;
  private RWLayer rw;

  @BeforeEach
  void makeLayers() throws IOException {
    Overlay2Testing.assumeSupported(root);
    store = LayerStore.builder(root).driver("overlay2").durability(Durability.NONE).open();
    Layer base =
        store.register(
            new TarBuilder()
                .directory("d/")
                .file("d/a", "1")
                .file("d/b", "2")
                .file("d/c", "3")
                .file("f", "4")
                .directory("o/")
                .file("o/x", "5")
                .end()
                .toStream(),
            NO_PARENT);
    rw = store.createRWLayer("rw", base.chainId());
  }

  @AfterEach
  void closeStore() throws IOException {
    if (store != null) {
      store.close();
    }
  }

  /** What somebody does in the mount. */
  private interface Work {
    void in(Path merged) throws IOException;
  }

  private void change(Work work) throws IOException {
    try (Mount mount = rw.mount()) {
      work.in(mount.path());
    }
  }

  private byte[] archive() throws IOException {
    try (InputStream in = rw.tarStream()) {
      return in.readAllBytes();
    }
  }

  /** Type, mode, size, name and target of each header, where names are short. */
  private List<String> headers() throws IOException {
    byte[] tar = archive();
    List<String> headers = new ArrayList<>();
    for (int at = 0; tar[at] != 0; at += BLOCK) {
      long size = Long.parseLong(text(tar, at + 124, 12), 8);
      headers.add(
          "%c %s %d %s%s"
              .formatted(
                  tar[at + 156],
                  text(tar, at + 100, 8).substring(3),
                  size,
                  text(tar, at, 100),
                  tar[at + 156] == '1' ? " -> " + text(tar, at + 157, 100) : ""));
      at += (int) ((size + BLOCK - 1) / BLOCK * BLOCK);
    }
    return headers;
  }

  private static String text(byte[] tar, int offset, int length) {
    String text = new String(tar, offset, length, StandardCharsets.ISO_8859_1);
    int end = text.indexOf('\0');
    return end < 0 ? text : text.substring(0, end);
  }

  private List<String> changes() throws LayerStoreException {
    try (Stream<Change> changes = rw.changes()) {
      return changes.map(Change::toString).toList();
    }
  }

  private Path upper(String name) throws LayerStoreException {
    return Path.of(rw.metadata().get("UpperDir")).resolve(name);
  }

  @Test
  void tarStream_nothingChanged_isTwoBlocksOfZeros() throws IOException {
    change(merged -> assertTrue(Files.exists(merged.resolve("f"))));
    assertArrayEquals(new byte[1024], archive());
  }

  @Test
  void tarStream_whiteoutsOfOneInode_areAllFilesAndNoLinks() throws IOException {
    change(
        merged -> {
          for (String name : List.of("d/a", "d/b", "d/c", "f")) {
            Files.delete(merged.resolve(name));
          }
        });
    assertEquals(
        List.of(
            "5 0755 0 d/",
            "0 0600 0 d/.wh.a",
            "0 0600 0 d/.wh.b",
            "0 0600 0 d/.wh.c",
            "0 0600 0 .wh.f"),
        headers());
    assertEquals(List.of("C /d", "D /d/a", "D /d/b", "D /d/c", "D /f"), changes());
    assertEquals(0, rw.sizeBytes());
    Object links = Files.getAttribute(upper("f"), "unix:nlink", LinkOption.NOFOLLOW_LINKS);
    assumeTrue(!links.equals(1), "this kernel makes an inode for each whiteout");
  }

  @Test
  void tarStream_directoryMadeAgain_isFollowedByItsMarker() throws IOException {
    change(
        merged -> {
          Files.delete(merged.resolve("o/x"));
          Files.delete(merged.resolve("o"));
          Files.createDirectory(merged.resolve("o"));
          Files.setPosixFilePermissions(
              merged.resolve("o"), PosixFilePermissions.fromString("rwx------"));
          Files.writeString(merged.resolve("o/.a"), "y");
        });
    assertEquals(
        List.of("5 0700 0 o/", "0 0700 0 o/.wh..wh..opq", "0 0644 1 o/.a"),
        headers().stream().map(line -> line.replace("0600 1", "0644 1")).toList());
    assertEquals(List.of("C /o", "A /o/.a", "D /o/x"), changes());
  }

  @Test
  void tarStream_namesOfOneFile_firstIsWholeAndOthersAreLinks() throws IOException {
    change(
        merged -> {
          Files.writeString(merged.resolve("z"), "12345");
          Files.createLink(merged.resolve("d/first"), merged.resolve("z"));
          Files.createLink(merged.resolve("last"), merged.resolve("z"));
        });
    assertEquals(
        List.of("0 5 d/first", "1 0 last -> d/first", "1 0 z -> d/first"),
        headers().stream()
            .filter(line -> !line.startsWith("5"))
            .map(line -> line.substring(0, 2) + line.substring(7))
            .toList());
    assertEquals(5, rw.sizeBytes());
    assertEquals(List.of("C /d", "A /d/first", "A /last", "A /z"), changes());
  }

  @Test
  void tarStream_socket_isLeftOutAndEverythingElseIsThere() throws IOException {
    // The path of a socket has 107 bytes at the most, so it is made nearby and moved.
    Path nearby = Files.createTempDirectory(Path.of("/tmp"), "s");
    try (ServerSocketChannel socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      socket.bind(UnixDomainSocketAddress.of(nearby.resolve("s")));
      Tool mv = Tool.require("mv");
      change(
          merged -> {
            Files.writeString(merged.resolve("before"), "");
            try {
              assumeTrue(
                  mv.attempt(nearby.resolve("s"), merged.resolve("socket")).status() == 0,
                  "cannot move a socket");
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
              throw new IOException(e);
            }
            Files.writeString(merged.resolve("tail"), "");
          });
    } finally {
      Files.deleteIfExists(nearby.resolve("s"));
      Files.delete(nearby);
    }
    assertTrue(Files.exists(upper("socket")));
    assertEquals(
        List.of("before", "tail"),
        headers().stream().map(line -> line.substring(line.lastIndexOf(' ') + 1)).toList());
    assertEquals(List.of("A /before", "A /tail"), changes());
  }

  @Test
  void changes_onlyTimeOfADirectory_areNone() throws IOException {
    change(
        merged ->
            Files.setLastModifiedTime(
                merged.resolve("d"), FileTime.fromMillis(1_500_000_000_000L)));
    assertEquals(List.of(), changes());
    assertEquals(List.of("5 0755 0 d/"), headers());
  }

  @Test
  void changes_fileCopiedUpAndPutBack_areNone() throws IOException {
    change(
        merged -> {
          Files.writeString(merged.resolve("f"), "x");
          Files.writeString(merged.resolve("f"), "4");
          Files.setLastModifiedTime(merged.resolve("f"), FileTime.fromMillis(1_600_000_000_000L));
        });
    assertEquals(List.of(), changes());
  }

  @Test
  void changes_sizeAndTimeAsBefore_areFoundByContent() throws IOException {
    change(
        merged -> {
          Files.writeString(merged.resolve("f"), "x");
          Files.setLastModifiedTime(merged.resolve("f"), FileTime.fromMillis(1_600_000_000_000L));
        });
    assertEquals(List.of("C /f"), changes());
  }

  @Test
  void changes_replacedKinds_areAsInDocker() throws IOException {
    change(
        merged -> {
          Files.delete(merged.resolve("f"));
          Files.createDirectory(merged.resolve("f"));
          Files.writeString(merged.resolve("f/new"), "");
          Files.delete(merged.resolve("o/x"));
          Files.delete(merged.resolve("o"));
          Files.writeString(merged.resolve("o"), "file");
        });
    assertEquals(List.of("C /f", "A /f/new", "C /o"), changes());
  }

  @Test
  void tarStream_fileNamedLikeAWhiteout_isRefusedByName() throws IOException {
    change(merged -> Files.writeString(merged.resolve("d/.wh.a"), "x"));
    ArchiveException e = Refusals.assertRefused(Kind.UNSUPPORTED_ENTRY, this::archive);
    assertTrue(e.getMessage().contains("d/.wh.a"), e::getMessage);
  }

  /** As a mount with {@code redirect_dir} or {@code metacopy} on leaves it. */
  @ParameterizedTest
  @CsvSource({
    "redirect, /o, d, was renamed in a mount with redirect_dir on",
    "metacopy, '', f, has its content in a lower layer"
  })
  void everyDiff_markOfAnotherMount_isRefusedAndNamed(
      String mark, String value, String name, String reason) throws Exception {
    change(
        merged -> {
          Files.writeString(merged.resolve("f"), "changed");
          Files.writeString(merged.resolve("d/new"), "");
        });
    String attribute = (Overlay2Testing.isRoot() ? "trusted" : "user") + ".overlay." + mark;
    Tool.require("setfattr").run("-n", attribute, "-v", value, upper(name));
    DriverException e = assertThrows(DriverException.class, this::archive);
    assertTrue(e.getMessage().contains("/" + name + " " + reason), e::getMessage);
    UncheckedIOException unchecked = assertThrows(UncheckedIOException.class, this::changes);
    assertTrue(unchecked.getMessage().contains(reason), unchecked::getMessage);
    assertThrows(DriverException.class, () -> rw.commit());
    assertEquals(1, store.layers().size());
  }
}
