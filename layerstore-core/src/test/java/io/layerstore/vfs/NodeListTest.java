package io.layerstore.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.LayerTree.Node;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.Xattr;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class NodeListTest {

  private static final LayerPath DIRECTORY = LayerPath.of("usr/share");
  private static final Xattr LABEL = xattr("user.label", "a");
  private static final Xattr OTHER_LABEL = xattr("user.label", "");
  private static final Xattr NOTE = xattr("user.note", "a longer one");

  private static Xattr xattr(String name, String value) {
    return new Xattr(ByteString.utf8(name), ByteString.utf8(value));
  }

  private static Attributes attributes(int mode, Xattr... xattrs) {
    return new Attributes(
        mode,
        4_000_000_000L,
        1,
        Instant.ofEpochSecond(-1, 999_999_999),
        Instant.ofEpochSecond(1 << 30, 1),
        List.of(xattrs));
  }

  private static LayerPath path(String name) {
    return DIRECTORY.resolve(ByteString.utf8(name));
  }

  private static List<Node> compact() {
    List<TreeEntry> entries = new ArrayList<>();
    entries.add(TreeEntry.file(path("a"), attributes(0644), 1L << 40));
    entries.add(TreeEntry.file(path("b"), attributes(07777, LABEL, NOTE), 0));
    entries.add(TreeEntry.directory(path("c"), attributes(0, NOTE, OTHER_LABEL)));
    entries.add(TreeEntry.directory(path("d"), attributes(01777)));
    entries.add(TreeEntry.symlink(path("e"), attributes(0777), ByteString.utf8("../f")));
    entries.add(TreeEntry.symlink(path("g"), attributes(0777, LABEL), ByteString.utf8("/h")));
    List<Node> nodes = new ArrayList<>();
    for (TreeEntry entry : entries) {
      nodes.add(new Node(entry, -1L - nodes.size(), 1 + nodes.size(), null));
    }
    return nodes;
  }

  private static NodeList listOf(List<Node> nodes) {
    NodeList list = new NodeList(DIRECTORY, nodes.size());
    nodes.forEach(list::append);
    return list;
  }

  @Test
  void get_entriesOfEveryKind_areEqual() {
    List<Node> nodes = compact();
    nodes.add(new Node(TreeEntry.fifo(path("x"), attributes(0600, LABEL)), 7L, 1, null));
    nodes.add(new Node(TreeEntry.file(path("y"), attributes(0600), 3), "a key", 1, null));
    nodes.add(new Node(TreeEntry.file(path("z"), attributes(0600), 3), 8L, 1, "where it is"));
    assertEquals(nodes, listOf(nodes));
  }

  @Test
  void append_filesDirectoriesAndLinks_areNotKeptWhole() {
    List<Node> nodes = compact();
    NodeList list = listOf(nodes);
    for (int i = 0; i < nodes.size(); i++) {
      assertNotSame(nodes.get(i), list.get(i));
    }
  }

  @Test
  void get_behindTheEnd_isRefused() {
    NodeList list = new NodeList(DIRECTORY, 2);
    list.append(compact().get(0));
    assertEquals(1, list.size());
    assertThrows(IndexOutOfBoundsException.class, () -> list.get(1));
  }
}
