package io.layerstore.testing;

import static io.layerstore.testing.TreeChange.TIME;
import static io.layerstore.testing.TreeChange.dir;
import static io.layerstore.testing.TreeChange.file;
import static io.layerstore.testing.TreeChange.hardLink;
import static io.layerstore.testing.TreeChange.opaque;
import static io.layerstore.testing.TreeChange.remove;
import static io.layerstore.testing.TreeChange.symlink;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ByteString;
import io.layerstore.ConcurrentChangeException;
import io.layerstore.DriverException;
import io.layerstore.LayerPath;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.LayerTree;
import io.layerstore.spi.LayerTree.Node;
import java.io.IOException;
import java.io.InputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What {@link io.layerstore.spi.GraphDriver#tree} shows. */
abstract class LayerTreeTests extends DriverTests {

  private static List<String> names(List<Node> nodes) {
    return nodes.stream().map(node -> node.entry().path().toString()).toList();
  }

  @Test
  void find_root_isADirectory() throws IOException {
    try (LayerTree tree = driver().tree(layer(null, file("f", "x")))) {
      Node root = tree.find(LayerPath.ROOT).orElseThrow();
      assertEquals(EntryType.DIRECTORY, root.entry().type());
      assertEquals(LayerPath.ROOT, root.entry().path());
    }
  }

  @Test
  void find_entry_isWhatListShows() throws IOException {
    try (LayerTree tree = driver().tree(layer(null, dir("d"), file("d/f", "x")))) {
      Node found = tree.find(LayerPath.of("d/f")).orElseThrow();
      Node listed = tree.list(LayerPath.of("d")).get(0);
      assertEquals(listed.entry(), found.entry());
      assertEquals(listed.fileId(), found.fileId());
    }
  }

  @Test
  void find_missing_isEmpty() throws IOException {
    try (LayerTree tree = driver().tree(layer(null, dir("d"), file("f", "x")))) {
      assertTrue(tree.find(LayerPath.of("d/x")).isEmpty());
      assertTrue(tree.find(LayerPath.of("x/y/z")).isEmpty());
      assertTrue(tree.find(LayerPath.of("f/x")).isEmpty());
    }
  }

  @Test
  void find_belowLink_isEmpty() throws IOException {
    try (LayerTree tree =
        driver().tree(layer(null, dir("d"), file("d/f", "x"), symlink("l", "d")))) {
      assertTrue(tree.find(LayerPath.of("l/f")).isEmpty());
    }
  }

  @Test
  void find_belowLinkOut_isEmpty() throws IOException {
    String outside = kit().outside().toString();
    try (LayerTree tree =
        driver().tree(layer(null, symlink("l", outside), symlink("m", "../../../../outside")))) {
      assertTrue(tree.find(LayerPath.of("l/canary")).isEmpty());
      assertTrue(tree.find(LayerPath.of("m/canary")).isEmpty());
    }
  }

  @Test
  void find_deleted_isEmpty() throws IOException {
    String parent = layer(null, file("f", "x"), dir("d"), file("d/g", "y"));
    try (LayerTree tree = driver().tree(layer(parent, remove("f"), dir("d"), opaque("d")))) {
      assertTrue(tree.find(LayerPath.of("f")).isEmpty());
      assertTrue(tree.find(LayerPath.of("d/g")).isEmpty());
    }
  }

  @Test
  void list_manyNames_areSortedByUnsignedByte() throws IOException {
    LayerPath high = LayerPath.of(ByteString.of(new byte[] {(byte) 0xff}));
    String id =
        layer(
            null,
            file(high, ByteString.EMPTY),
            file("a0", ""),
            file("z", ""),
            dir("a"),
            file("a-b", ""),
            file("B", ""),
            file("é", ""),
            file("a.c", ""));
    try (LayerTree tree = driver().tree(id)) {
      assertEquals(
          List.of("B", "a", "a-b", "a.c", "a0", "z", "é", "\\xff"),
          names(tree.list(LayerPath.ROOT)));
    }
  }

  @Test
  void list_mergedDirectory_isSortedAndWithoutDoubles() throws IOException {
    String base = layer(null, dir("d"), file("d/a", "1"), file("d/c", "1"), file("d/e", "1"));
    String id = layer(base, dir("d"), file("d/b", "2"), file("d/c", "2"), remove("d/e"));
    try (LayerTree tree = driver().tree(id)) {
      assertEquals(List.of("d/a", "d/b", "d/c"), names(tree.list(LayerPath.of("d"))));
    }
  }

  @Test
  void list_emptyDirectory_isEmpty() throws IOException {
    try (LayerTree tree = driver().tree(layer(null, dir("d")))) {
      assertEquals(List.of(), tree.list(LayerPath.of("d")));
    }
  }

  @Test
  void list_linkToDirectory_isNotFollowed() throws IOException {
    String id = layer(null, symlink("l", kit().outside().toString()));
    try (LayerTree tree = driver().tree(id)) {
      List<Node> nodes;
      try {
        nodes = tree.list(LayerPath.of("l"));
      } catch (DriverException | ConcurrentChangeException e) {
        nodes = List.of();
      }
      assertEquals(List.of(), nodes);
    }
  }

  @Test
  void list_anyLayer_hasOnlyTypesOfFiles() throws IOException {
    String base = layer(null, file("f", "x"), dir("d"), file("d/g", "y"));
    String id =
        layer(base, remove("f"), dir("d"), opaque("d"), file("d/h", "z"), hardLink("i", "d/h"));
    try (LayerTree tree = driver().tree(id)) {
      Deque<LayerPath> directories = new ArrayDeque<>(List.of(LayerPath.ROOT));
      while (!directories.isEmpty()) {
        for (Node node : tree.list(directories.remove())) {
          assertFalse(
              List.of(EntryType.HARD_LINK, EntryType.WHITEOUT, EntryType.OPAQUE)
                  .contains(node.entry().type()),
              node.toString());
          if (node.entry().type() == EntryType.DIRECTORY) {
            directories.add(node.entry().path());
          }
        }
      }
    }
  }

  @Test
  void list_socket_isNotShown() throws IOException {
    String id = kit().readWriteLayer(null);
    Path mounted = kit().mount(id).resolve(LayerPath.ROOT);
    try {
      assumeTrue(
          mounted.getFileSystem() == FileSystems.getDefault(), "needs a file system with sockets");
      Files.writeString(mounted.resolve("file"), "x");
      bindAndClose(mounted);
      assertEquals(List.of("file"), kit().paths(id));
    } finally {
      driver().unmount(id);
    }
  }

  /** Leaves a socket in {@code directory}. The system takes short names only, hence the link. */
  private static void bindAndClose(Path directory) throws IOException {
    Path scratch = Files.createTempDirectory("s");
    Path link = Files.createSymbolicLink(scratch.resolve("d"), directory);
    try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(link.resolve("socket")));
    } finally {
      Files.delete(link);
      Files.delete(scratch);
    }
    assertTrue(Files.exists(directory.resolve("socket")));
  }

  @Test
  void fileId_ofDifferentFiles_differs() throws IOException {
    try (LayerTree tree = driver().tree(layer(null, file("a", "x"), file("b", "x")))) {
      List<Node> nodes = tree.list(LayerPath.ROOT);
      assertNotEquals(nodes.get(0).fileId(), nodes.get(1).fileId());
      assertEquals(1, nodes.get(0).names());
    }
  }

  @Test
  void storage_ofChangedEntryAndItsParents_differs() throws IOException {
    String parent =
        layer(
            null,
            dir("d"),
            file("d/same", "x"),
            file("d/changed", "x"),
            dir("e"),
            dir("e/f"),
            file("e/f/changed", "x"),
            file("top", "x"),
            symlink("l", "x"));
    String id =
        layer(
            parent,
            dir("d"),
            file("d/changed", "y"),
            dir("e"),
            dir("e/f"),
            file("e/f/changed", "y"),
            symlink("l", "y"));
    try (LayerTree older = driver().tree(parent);
        LayerTree newer = driver().tree(id)) {
      for (String path : List.of("d", "d/changed", "e", "e/f", "e/f/changed", "l")) {
        Object before = older.find(LayerPath.of(path)).orElseThrow().storage();
        Object after = newer.find(LayerPath.of(path)).orElseThrow().storage();
        assertTrue(before == null || !before.equals(after), path);
      }
    }
  }

  @Test
  void open_file_givesItsContent() throws IOException {
    assertEquals("hello", kit().content(layer(null, file("f", "hello")), "f"));
  }

  @Test
  void open_fileWithoutPermissions_givesItsContent() throws IOException {
    String id = layer(null, dir("d").mode(0), file("d/f", "hello").mode(0));
    assertEquals("hello", kit().content(id, "d/f"));
  }

  @Test
  void open_fileThatGrewSince_throwsWhenRead() throws IOException {
    assertConcurrentChange("longer than before");
  }

  @Test
  void open_fileThatShrankSince_throwsWhenRead() throws IOException {
    assertConcurrentChange("s");
  }

  private void assertConcurrentChange(String later) throws IOException {
    String id = kit().readWriteLayer(null);
    kit().change(id, file("f", "before"));
    try (LayerTree tree = driver().tree(id)) {
      Node node = tree.find(LayerPath.of("f")).orElseThrow();
      kit().change(id, file("f", later).time(TIME.plusSeconds(1)));
      assertThrows(
          ConcurrentChangeException.class,
          () -> {
            try (InputStream content = tree.open(node)) {
              content.readAllBytes();
            }
          });
    }
  }

  @Test
  void open_fileThatGrowsWhileRead_givesNoMoreThanSaid() throws IOException {
    String id = kit().readWriteLayer(null);
    String before = "x".repeat(100_000);
    kit().change(id, file("f", before));
    MountedTree mounted = kit().mount(id);
    try (LayerTree tree = driver().tree(id)) {
      Node node = tree.find(LayerPath.of("f")).orElseThrow();
      int count = 0;
      try (InputStream content = tree.open(node)) {
        count += content.readNBytes(10).length;
        Files.writeString(mounted.resolve("f"), "more", StandardOpenOption.APPEND);
        for (int n = content.read(); n >= 0; n = content.read()) {
          count++;
        }
        assertEquals(before.length(), count);
      } catch (ConcurrentChangeException e) {
        assertTrue(count <= before.length());
      }
    } finally {
      driver().unmount(id);
    }
  }

  @Test
  void open_fileReplacedByLinkOut_throwsWhenRead() throws IOException {
    String id = kit().readWriteLayer(null);
    kit().change(id, file("f", Canary.SECRET));
    try (LayerTree tree = driver().tree(id)) {
      Node node = tree.find(LayerPath.of("f")).orElseThrow();
      kit().change(id, symlink("f", kit().outside().resolve("canary").toString()));
      assertThrows(
          ConcurrentChangeException.class,
          () -> {
            try (InputStream content = tree.open(node)) {
              content.readAllBytes();
            }
          });
    }
  }

  @Test
  void tree_ofReadWriteLayer_showsWhatWasDoneInTheMount() throws IOException {
    String base = layer(null, dir("d"), file("d/a", "1"), file("d/b", "2"), symlink("l", "d"));
    String id = kit().readWriteLayer(base);
    kit().change(id, file("d/new", "3"), remove("d/a"), file("d/b", "22"), remove("l"), dir("e"));
    assertEquals(List.of("d", "d/b", "d/new", "e"), kit().paths(id));
    assertEquals("22", kit().content(id, "d/b"));
    kit().assertShown(base);
  }

  @Test
  void close_twice_doesNothing() throws IOException {
    LayerTree tree = driver().tree(layer(null));
    tree.close();
    tree.close();
  }

  @Test
  void tree_missingLayer_throws() {
    assertThrows(DriverException.class, () -> driver().tree("missing"));
  }
}
