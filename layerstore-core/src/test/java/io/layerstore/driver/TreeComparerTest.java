package io.layerstore.driver;

import static io.layerstore.testing.TreeChange.TIME;
import static io.layerstore.testing.TreeChange.characterDevice;
import static io.layerstore.testing.TreeChange.chmod;
import static io.layerstore.testing.TreeChange.chown;
import static io.layerstore.testing.TreeChange.dir;
import static io.layerstore.testing.TreeChange.fifo;
import static io.layerstore.testing.TreeChange.file;
import static io.layerstore.testing.TreeChange.hardLink;
import static io.layerstore.testing.TreeChange.remove;
import static io.layerstore.testing.TreeChange.setXattr;
import static io.layerstore.testing.TreeChange.symlink;
import static io.layerstore.testing.TreeChange.touch;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ByteString;
import io.layerstore.ConcurrentChangeException;
import io.layerstore.DriverException;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.OperationInterruptedException;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.LayerTree;
import io.layerstore.spi.TreeEntry;
import io.layerstore.testing.TreeChange;
import io.layerstore.testing.TreeModel;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

final class TreeComparerTest {

  private final TreeModel base =
      TreeModel.of(
          dir("etc"),
          file("etc/motd", "hello"),
          file("etc/passwd", "root"),
          dir("usr"),
          dir("usr/bin"),
          file("usr/bin/sh", "shell"),
          symlink("bin", "usr/bin"));

  private static List<String> differences(LayerTree older, LayerTree newer)
      throws LayerStoreException {
    TreeComparer comparer = new TreeComparer(older, newer);
    List<String> lines = new ArrayList<>();
    for (TreeDifference next = comparer.next(); next != null; next = comparer.next()) {
      lines.add(next.toChange().toString());
    }
    assertNull(comparer.next());
    return lines;
  }

  /** The differences that {@code changes} make. */
  private List<String> after(TreeChange... changes) throws LayerStoreException {
    TreeModel changed = base.copy();
    changed.apply(changes);
    return differences(base.tree(), changed.tree());
  }

  @Nested
  final class Kinds {

    @Test
    void next_equalTrees_givesNothing() throws LayerStoreException {
      assertEquals(List.of(), after());
    }

    @Test
    void next_twoEmptyTrees_givesNothing() throws LayerStoreException {
      assertEquals(List.of(), differences(new TreeModel().tree(), new TreeModel().tree()));
    }

    @Test
    void next_noOlderTree_addsEverythingButTheRoot() throws LayerStoreException {
      assertEquals(
          List.of(
              "A /bin",
              "A /etc",
              "A /etc/motd",
              "A /etc/passwd",
              "A /usr",
              "A /usr/bin",
              "A /usr/bin/sh"),
          differences(null, base.tree()));
    }

    @Test
    void next_newFile_isAddedAndItsParentModified() throws LayerStoreException {
      assertEquals(List.of("C /etc", "A /etc/new"), after(file("etc/new", "x")));
    }

    @Test
    void next_newFileInRoot_doesNotListTheRoot() throws LayerStoreException {
      assertEquals(List.of("A /new"), after(file("new", "x")));
    }

    @Test
    void next_newFileDeepDown_listsAllParentsOnce() throws LayerStoreException {
      assertEquals(
          List.of("C /usr", "C /usr/bin", "A /usr/bin/a", "A /usr/bin/b"),
          after(file("usr/bin/b", ""), file("usr/bin/a", "")));
    }

    @Test
    void next_newDirectory_isAddedWithEverythingInIt() throws LayerStoreException {
      assertEquals(
          List.of("A /srv", "A /srv/www", "A /srv/www/index"),
          after(dir("srv"), dir("srv/www"), file("srv/www/index", "x")));
    }

    @Test
    void next_fileGone_isDeletedAndItsParentModified() throws LayerStoreException {
      assertEquals(List.of("C /etc", "D /etc/motd"), after(remove("etc/motd")));
    }

    @Test
    void next_directoryGone_isDeletedWithoutItsContent() throws LayerStoreException {
      assertEquals(List.of("D /usr"), after(remove("usr")));
    }

    @Test
    void next_directoryReplacedByFile_isModifiedOnly() throws LayerStoreException {
      assertEquals(List.of("C /usr"), after(file("usr", "x")));
    }

    @Test
    void next_fileReplacedByDirectory_isModifiedAndItsContentAdded() throws LayerStoreException {
      assertEquals(
          List.of("C /bin", "A /bin/x", "A /bin/x/y"),
          after(remove("bin"), dir("bin"), dir("bin/x"), file("bin/x/y", "")));
    }

    @Test
    void next_contentChanged_isModified() throws LayerStoreException {
      assertEquals(List.of("C /etc", "C /etc/motd"), after(file("etc/motd", "hello world")));
    }

    @Test
    void next_severalChanges_givesEachOnce() throws LayerStoreException {
      assertEquals(
          List.of("C /bin", "C /etc", "D /etc/motd", "A /etc/motd2", "A /zoo"),
          after(
              symlink("bin", "usr/sbin"),
              remove("etc/motd"),
              file("etc/motd2", ""),
              file("zoo", "")));
    }

    @Test
    void next_newSpecialFiles_areAdded() throws LayerStoreException {
      assertEquals(
          List.of("A /fifo", "A /null"), after(fifo("fifo"), characterDevice("null", 1, 3)));
    }
  }

  @Nested
  final class Attribute {

    @Test
    void next_modeOfFileChanged_isModified() throws LayerStoreException {
      assertEquals(List.of("C /etc", "C /etc/motd"), after(chmod("etc/motd", 04644)));
    }

    @Test
    void next_modeOfDirectoryChanged_isModified() throws LayerStoreException {
      assertEquals(List.of("C /etc"), after(chmod("etc", 01755)));
    }

    @Test
    void next_uidChanged_isModified() throws LayerStoreException {
      assertEquals(List.of("C /etc"), after(chown("etc", 5, 0)));
    }

    @Test
    void next_gidChanged_isModified() throws LayerStoreException {
      assertEquals(List.of("C /etc"), after(chown("etc", 0, 5)));
    }

    @Test
    void next_typeChanged_isModified() throws LayerStoreException {
      assertEquals(List.of("C /bin"), after(fifo("bin").mode(0777)));
    }

    @Test
    void next_deviceNumberChanged_isModified() throws LayerStoreException {
      TreeModel older = TreeModel.of(characterDevice("dev", 1, 3));
      TreeModel newer = TreeModel.of(characterDevice("dev", 1, 5));
      assertEquals(List.of("C /dev"), differences(older.tree(), newer.tree()));
    }

    @Test
    void next_capabilityAdded_isModified() throws LayerStoreException {
      assertEquals(
          List.of("C /usr", "C /usr/bin", "C /usr/bin/sh"),
          after(setXattr("usr/bin/sh", "security.capability", "cap")));
    }

    @Test
    void next_capabilityChanged_isModified() throws LayerStoreException {
      TreeModel older = TreeModel.of(file("f", "").xattr("security.capability", "a"));
      TreeModel newer = TreeModel.of(file("f", "").xattr("security.capability", "b"));
      assertEquals(List.of("C /f"), differences(older.tree(), newer.tree()));
    }

    @Test
    void next_otherXattrChanged_isNotListed() throws LayerStoreException {
      assertEquals(List.of(), after(setXattr("usr/bin/sh", "user.note", "x")));
    }

    @Test
    void next_sizeChangedAndTimeKept_isModified() throws LayerStoreException {
      assertEquals(List.of("C /etc", "C /etc/passwd"), after(file("etc/passwd", "root:")));
    }

    @Test
    void next_lengthOfLinkTextChanged_isModified() throws LayerStoreException {
      assertEquals(List.of("C /bin"), after(symlink("bin", "usr/sbin")));
    }

    @Test
    void next_onlyTimeOfDirectoryChanged_isNotListed() throws LayerStoreException {
      assertEquals(List.of(), after(touch("etc", TIME.plusSeconds(60))));
    }

    @Test
    void next_linkCountChanged_listsOnlyTheNewName() throws LayerStoreException {
      assertEquals(List.of("A /sh"), after(hardLink("sh", "usr/bin/sh")));
    }

    @Test
    void next_accessTimeChanged_isNotListed() throws LayerStoreException {
      TreeModel older = TreeModel.of(file("f", ""));
      TreeEntry read =
          TreeEntry.file(
              LayerPath.of("f"), Attributes.of(0644, TIME).withTimes(TIME, TIME.plusSeconds(1)), 0);
      TreeModel newer = TreeModel.of(new TreeChange.Put(read, ByteString.EMPTY));
      assertEquals(List.of(), differences(older.tree(), newer.tree()));
    }
  }

  @Nested
  final class Time {

    private List<String> changes(int olderNanos, int newerNanos, String newContent)
        throws LayerStoreException {
      TreeModel older = TreeModel.of(file("f", "old").time(TIME.plusNanos(olderNanos)));
      TreeModel newer = TreeModel.of(file("f", newContent).time(TIME.plusNanos(newerNanos)));
      return differences(older.tree(), newer.tree());
    }

    @Test
    void next_timeOfFileChanged_isModified() throws LayerStoreException {
      assertEquals(List.of("C /etc", "C /etc/motd"), after(touch("etc/motd", TIME.plusSeconds(1))));
    }

    @Test
    void next_timeOfSymlinkChanged_isModified() throws LayerStoreException {
      assertEquals(List.of("C /bin"), after(touch("bin", TIME.plusSeconds(1))));
    }

    @Test
    void next_fractionChanged_isModified() throws LayerStoreException {
      assertEquals(List.of("C /f"), changes(1, 2, "old"));
    }

    @Test
    void next_fractionMissingInOlder_isNotListed() throws LayerStoreException {
      assertEquals(List.of(), changes(0, 5, "old"));
    }

    @Test
    void next_fractionMissingInNewer_isNotListed() throws LayerStoreException {
      assertEquals(List.of(), changes(5, 0, "old"));
    }

    @Test
    void next_fractionMissingAndSecondsDiffer_isModified() throws LayerStoreException {
      assertEquals(List.of("C /f"), changes(0, 1_000_000_000, "old"));
    }

    @Test
    void next_fractionMissingAndContentDiffers_isModified() throws LayerStoreException {
      assertEquals(List.of("C /f"), changes(0, 5, "new"));
    }

    @Test
    void next_equalTimesAndSizes_doesNotReadContent() throws LayerStoreException {
      TreeModel newer = base.copy();
      LayerTree unreadable =
          new ForwardingTree(newer.tree()) {
            @Override
            public InputStream open(Node node) {
              throw new AssertionError("not to be read: " + node.entry().path());
            }
          };
      assertEquals(List.of(), differences(base.tree(), unreadable));
    }

    @Test
    void next_fractionMissingInLink_comparesTheText() throws LayerStoreException {
      TreeModel older = TreeModel.of(symlink("l", "old"));
      TreeModel same = TreeModel.of(symlink("l", "old").time(TIME.plusNanos(5)));
      TreeModel other = TreeModel.of(symlink("l", "new").time(TIME.plusNanos(5)));
      assertEquals(List.of(), differences(older.tree(), same.tree()));
      assertEquals(List.of("C /l"), differences(older.tree(), other.tree()));
    }

    @Test
    void next_fractionMissingInFifo_isNotListed() throws LayerStoreException {
      TreeModel older = TreeModel.of(fifo("p"));
      TreeModel newer = TreeModel.of(fifo("p").time(TIME.plusNanos(5)));
      assertEquals(List.of(), differences(older.tree(), newer.tree()));
    }

    @Test
    void next_fileWrittenWhileItIsCompared_isModified() throws LayerStoreException {
      TreeModel older = TreeModel.of(file("f", "old"));
      TreeModel newer = TreeModel.of(file("f", "old").time(TIME.plusNanos(5)));
      LayerTree busy =
          new ForwardingTree(newer.tree()) {
            @Override
            public InputStream open(Node node) throws LayerStoreException {
              throw new ConcurrentChangeException(node.entry().path().toString(), null);
            }
          };
      assertEquals(List.of("C /f"), differences(older.tree(), busy));
    }

    @Test
    void next_contentCannotBeRead_throws() {
      TreeModel older = TreeModel.of(file("f", "old"));
      TreeModel newer = TreeModel.of(file("f", "old").time(TIME.plusNanos(5)));
      LayerTree broken =
          new ForwardingTree(newer.tree()) {
            @Override
            public InputStream open(Node node) {
              return new InputStream() {
                @Override
                public int read() throws IOException {
                  throw new IOException("bad disk");
                }

                @Override
                public int read(byte[] bytes, int offset, int length) throws IOException {
                  throw new IOException("bad disk");
                }
              };
            }
          };
      LayerStoreException e =
          assertThrows(LayerStoreException.class, () -> differences(older.tree(), broken));
      assertEquals("bad disk", e.getCause().getMessage());
    }
  }

  @Nested
  final class Order {

    @Test
    void next_nameSortsBeforeSlash_comesBeforeContentOfDirectory() throws LayerStoreException {
      TreeModel newer =
          TreeModel.of(
              dir("a"),
              file("a/b", ""),
              dir("a-b"),
              file("a-b/d", ""),
              file("a.c", ""),
              file("a0", ""),
              dir("a-b-c"),
              file("a-b-c/e", ""));
      assertEquals(
          List.of(
              "A /a", "A /a-b", "A /a-b-c", "A /a-b-c/e", "A /a-b/d", "A /a.c", "A /a/b", "A /a0"),
          differences(new TreeModel().tree(), newer.tree()));
    }

    @Test
    void next_deletion_standsWhereThePathWould() throws LayerStoreException {
      TreeModel older = TreeModel.of(dir("a"), file("a/b", ""), file("a-b", ""), file("b", ""));
      TreeModel newer = TreeModel.of(dir("a"), file("b", ""));
      assertEquals(List.of("C /a", "D /a-b", "D /a/b"), differences(older.tree(), newer.tree()));
    }

    @Test
    void next_bytesAboveAscii_sortUnsigned() throws LayerStoreException {
      LayerPath high = LayerPath.of(ByteString.of(new byte[] {(byte) 0xe9}));
      TreeModel newer = TreeModel.of(file(high, ByteString.EMPTY), file("z", ""));
      assertEquals(List.of("A /z", "A /\\xe9"), differences(null, newer.tree()));
    }

    @Test
    void next_randomTrees_givesSortedPathsAndIsComplete() throws LayerStoreException {
      RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(42);
      for (int round = 0; round < 300; round++) {
        TreeModel older = randomTree(random, new TreeModel());
        TreeModel newer = randomTree(random, older.copy());
        List<String> lines = differences(older.tree(), newer.tree());
        List<LayerPath> paths =
            lines.stream().map(line -> LayerPath.of(line.substring(3))).toList();
        assertEquals(List.copyOf(new TreeSet<>(paths)), paths);
        assertEquals(expected(older, newer), new HashSet<>(lines), "round " + round);
      }
    }

    /** The rules once more, on whole sets of paths. */
    private Set<String> expected(TreeModel older, TreeModel newer) throws LayerStoreException {
      Set<LayerPath> before = allPaths(older);
      Set<LayerPath> now = allPaths(newer);
      Set<String> lines = new HashSet<>();
      Set<LayerPath> parents = new HashSet<>();
      for (LayerPath path : now) {
        if (!before.contains(path)) {
          lines.add("A /" + path);
          addParents(path, parents);
        } else if (EntryComparison.differs(
            older.tree(), node(older, path), newer.tree(), node(newer, path))) {
          lines.add("C /" + path);
          addParents(path, parents);
        }
      }
      for (LayerPath path : before) {
        boolean isTop =
            !now.contains(path)
                && (path.parent().isRoot()
                    || (now.contains(path.parent())
                        && newer.entry(path.parent()).type() == EntryType.DIRECTORY));
        if (isTop) {
          lines.add("D /" + path);
          addParents(path, parents);
        }
      }
      for (LayerPath parent : parents) {
        if (before.contains(parent)) {
          lines.add("C /" + parent);
        }
      }
      return lines;
    }

    private LayerTree.Node node(TreeModel model, LayerPath path) throws LayerStoreException {
      return model.tree().find(path).orElseThrow();
    }

    private void addParents(LayerPath path, Set<LayerPath> parents) {
      for (LayerPath p = path.parent(); !p.isRoot(); p = p.parent()) {
        parents.add(p);
      }
    }

    private Set<LayerPath> allPaths(TreeModel model) {
      Set<LayerPath> paths = new HashSet<>();
      model.snapshot().paths().forEach(path -> paths.add(LayerPath.of(path)));
      return paths;
    }

    private TreeModel randomTree(RandomGenerator random, TreeModel model) {
      String[] names = {"a", "a-", "a-b", "a.", "a0", "b", "ab"};
      for (int i = 0; i < 12; i++) {
        LayerPath path = LayerPath.ROOT;
        int depth = random.nextInt(1, 4);
        for (int d = 0; d < depth; d++) {
          path = path.resolve(ByteString.utf8(names[random.nextInt(names.length)]));
        }
        String text = path.toString();
        int kind = random.nextInt(4);
        if (kind == 0 && model.contains(path)) {
          model.apply(remove(text));
        } else if (isClear(model, path)) {
          switch (kind) {
            case 1 -> model.apply(dir(text).mode(random.nextBoolean() ? 0755 : 0700));
            case 2 -> model.apply(file(text, random.nextBoolean() ? "x" : "yy"));
            default -> model.apply(fifo(text));
          }
        }
      }
      return model;
    }

    /** Whether all parents are directories or missing. */
    private boolean isClear(TreeModel model, LayerPath path) {
      for (LayerPath p = path.parent(); !p.isRoot(); p = p.parent()) {
        if (model.contains(p) && model.entry(p).type() != EntryType.DIRECTORY) {
          return false;
        }
      }
      return true;
    }
  }

  @Nested
  final class Storage {

    /** Says that {@code path} is stored once for both trees. */
    private LayerTree sharing(String path, TreeModel model) {
      return new ForwardingTree(model.tree()) {
        @Override
        public List<Node> list(LayerPath directory) throws LayerStoreException {
          if (directory.equals(LayerPath.of(path))) {
            throw new AssertionError("not to be listed: " + directory);
          }
          return super.list(directory).stream()
              .map(
                  node ->
                      node.entry().path().equals(LayerPath.of(path))
                          ? new Node(node.entry(), node.fileId(), node.names(), "inode 7")
                          : node)
              .toList();
        }
      };
    }

    @Test
    void next_directorySharesStorage_isNotEntered() throws LayerStoreException {
      TreeModel newer = base.copy();
      newer.apply(file("etc/new", ""));
      assertEquals(
          List.of("C /etc", "A /etc/new"),
          differences(sharing("usr", base), sharing("usr", newer)));
    }

    @Test
    void next_fileSharesStorage_isEqual() throws LayerStoreException {
      TreeModel newer = base.copy();
      newer.apply(touch("bin", TIME.plusSeconds(5)));
      assertEquals(List.of(), differences(sharing("bin", base), sharing("bin", newer)));
    }

    @Test
    void next_storageUnknownInOne_isCompared() throws LayerStoreException {
      TreeModel newer = base.copy();
      newer.apply(touch("bin", TIME.plusSeconds(5)));
      assertEquals(List.of("C /bin"), differences(base.tree(), sharing("bin", newer)));
    }
  }

  @Nested
  final class Failure {

    @Test
    void next_interrupted_throwsAndKeepsTheStatus() {
      TreeComparer comparer = new TreeComparer(base.tree(), base.tree());
      Thread.currentThread().interrupt();
      try {
        assertThrows(OperationInterruptedException.class, comparer::next);
      } finally {
        assertTrue(Thread.interrupted());
      }
    }

    @Test
    void next_treeFails_throwsThat() {
      LayerTree broken =
          new ForwardingTree(base.tree()) {
            @Override
            public List<Node> list(LayerPath path) throws LayerStoreException {
              throw new DriverException("model", null, "bad disk", null);
            }
          };
      assertThrows(DriverException.class, () -> differences(base.tree(), broken));
    }

    @Test
    void next_treeOfThousandsOfLevels_needsNoStack() throws Exception {
      List<String> lines = new ArrayList<>();
      Thread small =
          new Thread(
              null,
              () -> {
                try {
                  lines.addAll(differences(new DeepTree(3_000, 0), new DeepTree(3_000, 1)));
                } catch (LayerStoreException e) {
                  lines.add(e.toString());
                }
              },
              "small stack",
              128 * 1024);
      small.start();
      small.join();
      assertEquals(3_000, lines.size(), () -> lines.toString());
    }
  }

  /** A chain of directories, the last of which has the owner {@code uid}. */
  private record DeepTree(int depth, long uid) implements LayerTree {

    @Override
    public Optional<Node> find(LayerPath path) {
      return Optional.empty();
    }

    @Override
    public List<Node> list(LayerPath path) {
      int level = path.isRoot() ? 0 : (path.bytes().length() + 1) / 2;
      if (level == depth) {
        return List.of();
      }
      Attributes attributes = Attributes.of(0755, TIME).withOwner(level + 1 == depth ? uid : 0, 0);
      LayerPath child = path.resolve(ByteString.utf8("d"));
      return List.of(new Node(TreeEntry.directory(child, attributes), level, 1, null));
    }

    @Override
    public InputStream open(Node node) {
      throw new AssertionError("no files");
    }

    @Override
    public void close() {}
  }

  /** Gives what another tree gives. */
  private static class ForwardingTree implements LayerTree {
    private final LayerTree tree;

    ForwardingTree(LayerTree tree) {
      this.tree = tree;
    }

    @Override
    public Optional<Node> find(LayerPath path) throws LayerStoreException {
      return tree.find(path);
    }

    @Override
    public List<Node> list(LayerPath path) throws LayerStoreException {
      return tree.list(path);
    }

    @Override
    public InputStream open(Node node) throws LayerStoreException {
      return tree.open(node);
    }

    @Override
    public void close() throws LayerStoreException {
      tree.close();
    }
  }
}
