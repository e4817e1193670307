package io.layerstore.driver;

import static io.layerstore.testing.TreeChange.TIME;
import static io.layerstore.testing.TreeChange.blockDevice;
import static io.layerstore.testing.TreeChange.characterDevice;
import static io.layerstore.testing.TreeChange.chmod;
import static io.layerstore.testing.TreeChange.dir;
import static io.layerstore.testing.TreeChange.fifo;
import static io.layerstore.testing.TreeChange.file;
import static io.layerstore.testing.TreeChange.hardLink;
import static io.layerstore.testing.TreeChange.remove;
import static io.layerstore.testing.TreeChange.symlink;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.layerstore.ByteString;
import io.layerstore.Change;
import io.layerstore.DriverException;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.LayerTree;
import io.layerstore.spi.NativeDiff;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.TreeReader;
import io.layerstore.testing.TreeChange;
import io.layerstore.testing.TreeModel;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

final class NaiveDiffTest {

  private static final Instant NOW = Instant.parse("2026-03-04T05:06:07.600Z");

  private final ModelDriver driver = new ModelDriver();

  @AfterEach
  void close_allHandles_leavesNoTreeOpen() {
    assertEquals(0, driver.openTrees());
  }

  /** A parent with an {@code etc} and the diff of a layer on top of it that has these changes. */
  private NativeDiff diff(TreeModel parent, TreeChange... changes) {
    TreeModel layer = parent.copy();
    layer.apply(changes);
    driver.add("parent", parent).add("layer", layer);
    return NaiveDiff.of(driver.driver(), "layer", "parent", Clock.fixed(NOW, ZoneOffset.UTC));
  }

  private NativeDiff whole(TreeChange... changes) {
    driver.add("layer", TreeModel.of(changes));
    return NaiveDiff.of(driver.driver(), "layer", null, Clock.fixed(NOW, ZoneOffset.UTC));
  }

  private static TreeModel etc() {
    return TreeModel.of(dir("etc"), file("etc/motd", "hello"), file("etc/old", "12345"));
  }

  private static List<TreeEntry> entries(NativeDiff diff) throws LayerStoreException {
    List<TreeEntry> entries = new ArrayList<>();
    try (TreeReader reader = diff.entries()) {
      for (TreeEntry entry = reader.next(); entry != null; entry = reader.next()) {
        entries.add(entry);
      }
      assertNull(reader.next());
    }
    return entries;
  }

  private static List<String> summary(NativeDiff diff) throws LayerStoreException {
    return entries(diff).stream().map(entry -> entry.type() + " " + entry.path()).toList();
  }

  @Nested
  final class Entries {

    @Test
    void entries_identicalTrees_hasNone() throws LayerStoreException {
      assertEquals(List.of(), entries(diff(etc())));
    }

    @Test
    void entries_added_areWhole() throws LayerStoreException {
      TreeChange.Put added =
          file("etc/new", "hi").mode(04711).owner(5, 6).xattr("security.capability", "c");
      List<TreeEntry> entries = entries(diff(etc(), added));
      assertEquals(added.entry(), entries.get(1));
    }

    @Test
    void entries_deepFileAdded_includesItsParents() throws LayerStoreException {
      assertEquals(
          List.of("DIRECTORY etc", "FILE etc/new"), summary(diff(etc(), file("etc/new", ""))));
    }

    @Test
    void entries_removed_isWhiteoutOfModeZeroAtRoundedTime() throws LayerStoreException {
      List<TreeEntry> entries = entries(diff(etc(), remove("etc/old")));
      Attributes attributes = Attributes.of(0, Instant.parse("2026-03-04T05:06:08Z"));
      assertEquals(TreeEntry.whiteout(LayerPath.of("etc/old"), attributes), entries.get(1));
    }

    @Test
    void entries_ofTree_areInOrderOfPaths() throws LayerStoreException {
      TreeModel parent = TreeModel.of(file("a-b", ""), dir("a"));
      assertEquals(
          List.of("DIRECTORY a", "WHITEOUT a-b", "FILE a/b"),
          summary(diff(parent, remove("a-b"), file("a/b", ""))));
    }

    @Test
    void entries_directoryEmptied_listsWhiteoutsAndNoOpaqueMark() throws LayerStoreException {
      assertEquals(
          List.of("DIRECTORY etc", "WHITEOUT etc/motd", "FILE etc/new", "WHITEOUT etc/old"),
          summary(diff(etc(), TreeChange.opaque("etc"), file("etc/new", ""))));
    }

    @Test
    void entries_directoryReplacedByFile_hasNoWhiteouts() throws LayerStoreException {
      assertEquals(List.of("FILE etc"), summary(diff(etc(), file("etc", "x"))));
    }

    @Test
    void entries_fileReplacedByDirectory_isDirectoryWithContent() throws LayerStoreException {
      assertEquals(
          List.of("DIRECTORY etc", "DIRECTORY etc/old", "FILE etc/old/x"),
          summary(diff(etc(), remove("etc/old"), dir("etc/old"), file("etc/old/x", ""))));
    }

    @Test
    void entries_withoutParent_areTheTreeInDepthFirstOrder() throws LayerStoreException {
      assertEquals(
          List.of("DIRECTORY a", "FILE a/b", "FILE a-b"),
          summary(whole(file("a-b", ""), dir("a"), file("a/b", ""))));
    }

    @Test
    void entries_specialFiles_areKeptAsTheyAre() throws LayerStoreException {
      assertEquals(
          List.of("BLOCK_DEVICE b", "CHARACTER_DEVICE c", "FIFO p", "SYMLINK s"),
          summary(
              diff(
                  etc(),
                  blockDevice("b", 7, 0),
                  characterDevice("c", 0, 0),
                  fifo("p"),
                  symlink("s", "../../x"))));
    }

    @Test
    void entries_fileNamedLikeAWhiteout_isPassedOn() throws LayerStoreException {
      assertEquals(List.of("FILE .wh.x"), summary(diff(etc(), file(".wh.x", ""))));
    }

    @Test
    void entries_closed_throwsAndIsIdempotent() throws LayerStoreException {
      TreeReader reader = diff(etc()).entries();
      reader.close();
      reader.close();
      assertThrows(IllegalStateException.class, reader::next);
    }

    @Test
    void entries_parentMissing_throwsAndClosesTheLayer() {
      driver.add("layer", etc());
      NativeDiff diff = NaiveDiff.of(driver.driver(), "layer", "gone");
      assertThrows(DriverException.class, diff::entries);
    }
  }

  @Nested
  final class HardLinks {

    @Test
    void entries_severalNewNames_linkToTheFirst() throws LayerStoreException {
      List<TreeEntry> entries =
          entries(whole(file("b", "x"), hardLink("c", "b"), hardLink("a", "b")));
      assertEquals(List.of("FILE a", "HARD_LINK b", "HARD_LINK c"), summary(entries));
      assertEquals(LayerPath.of("a"), entries.get(1).linkTarget());
      assertEquals(LayerPath.of("a"), entries.get(2).linkTarget());
    }

    @Test
    void entries_newNameOfUnchangedFile_isWhole() throws LayerStoreException {
      assertEquals(List.of("FILE a"), summary(diff(etc(), hardLink("a", "etc/motd"))));
    }

    @Test
    void entries_fileWithTwoNamesChanged_linksTheSecond() throws LayerStoreException {
      TreeModel parent = TreeModel.of(file("a", "x"), hardLink("b", "a"));
      assertEquals(List.of("FILE a", "HARD_LINK b"), summary(diff(parent, chmod("a", 0600))));
    }

    @Test
    void entries_linkOfSymlink_isHardLink() throws LayerStoreException {
      assertEquals(
          List.of("SYMLINK a", "HARD_LINK b"),
          summary(whole(symlink("a", "x"), hardLink("b", "a"))));
    }

    @Test
    void content_ofHardLink_throws() throws LayerStoreException {
      try (TreeReader reader = whole(file("a", "x"), hardLink("b", "a")).entries()) {
        reader.next();
        reader.next();
        assertThrows(IllegalStateException.class, reader::content);
      }
    }

    private List<String> summary(List<TreeEntry> entries) {
      return entries.stream().map(entry -> entry.type() + " " + entry.path()).toList();
    }

    private List<String> summary(NativeDiff diff) throws LayerStoreException {
      return summary(entries(diff));
    }
  }

  @Nested
  final class Content {

    @Test
    void content_ofFile_isItsBytes() throws Exception {
      try (TreeReader reader = diff(etc(), file("new", "hi")).entries()) {
        reader.next();
        try (InputStream content = reader.content()) {
          assertEquals("hi", new String(content.readAllBytes(), StandardCharsets.UTF_8));
        }
      }
    }

    @Test
    void content_ofDirectory_throws() throws LayerStoreException {
      try (TreeReader reader = whole(dir("a")).entries()) {
        assertEquals(EntryType.DIRECTORY, reader.next().type());
        assertThrows(IllegalStateException.class, reader::content);
      }
    }

    @Test
    void content_beforeNext_throws() throws LayerStoreException {
      try (TreeReader reader = whole(file("a", "x")).entries()) {
        assertThrows(IllegalStateException.class, reader::content);
      }
    }
  }

  @Nested
  final class Changes {

    @Test
    void changes_ofLayer_areTheLinesOfDockerDiff() throws LayerStoreException {
      NativeDiff diff = diff(etc(), remove("etc/old"), file("etc/new", ""), file("x", ""));
      try (Stream<Change> changes = diff.changes()) {
        assertEquals(
            List.of("C /etc", "A /etc/new", "D /etc/old", "A /x"),
            changes.map(Change::toString).toList());
      }
    }

    @Test
    void changes_twice_areEqual() throws LayerStoreException {
      NativeDiff diff = diff(etc(), file("etc/new", ""), file("x", ""));
      try (Stream<Change> first = diff.changes();
          Stream<Change> second = diff.changes()) {
        assertEquals(first.toList(), second.toList());
      }
    }

    @Test
    void changes_notConsumed_isClosedByClose() throws LayerStoreException {
      diff(etc(), file("x", "")).changes().close();
    }

    @Test
    void changes_treeFails_throwsUncheckedWithTheCause() throws LayerStoreException {
      driver.add("layer", new BrokenTree());
      try (Stream<Change> changes = NaiveDiff.of(driver.driver(), "layer", null).changes()) {
        UncheckedIOException e = assertThrows(UncheckedIOException.class, changes::count);
        assertInstanceOf(DriverException.class, e.getCause());
      }
    }
  }

  @Nested
  final class Size {

    @Test
    void sizeBytes_identicalTrees_isZero() throws LayerStoreException {
      assertEquals(0, diff(etc()).sizeBytes());
    }

    @Test
    void sizeBytes_addedAndModified_isTheirSum() throws LayerStoreException {
      assertEquals(
          3 + 7, diff(etc(), file("etc/new", "abc"), file("etc/motd", "1234567")).sizeBytes());
    }

    @Test
    void sizeBytes_removed_countsNothing() throws LayerStoreException {
      assertEquals(0, diff(etc(), remove("etc/old")).sizeBytes());
    }

    @Test
    void sizeBytes_hardLinks_countOnce() throws LayerStoreException {
      assertEquals(3, whole(file("a", "abc"), hardLink("b", "a"), hardLink("c", "a")).sizeBytes());
    }

    @Test
    void sizeBytes_symlink_countsItsText() throws LayerStoreException {
      assertEquals(7, whole(symlink("a", "usr/bin")).sizeBytes());
    }

    @Test
    void sizeBytes_directoriesAndDevices_countNothing() throws LayerStoreException {
      assertEquals(0, whole(dir("a"), characterDevice("c", 1, 3), fifo("p")).sizeBytes());
    }
  }

  @Nested
  final class RoundTrip {

    /** The entries of a diff as changes, so that they can be made to another tree. */
    private List<TreeChange> asChanges(NativeDiff diff) throws Exception {
      List<TreeChange> changes = new ArrayList<>();
      try (TreeReader reader = diff.entries()) {
        for (TreeEntry entry = reader.next(); entry != null; entry = reader.next()) {
          if (entry.type() == EntryType.WHITEOUT) {
            changes.add(new TreeChange.Remove(entry.path()));
            continue;
          }
          ByteString bytes = ByteString.EMPTY;
          if (entry.type() == EntryType.FILE) {
            try (InputStream content = reader.content()) {
              bytes = ByteString.of(content.readAllBytes());
            }
          }
          changes.add(new TreeChange.Put(entry, bytes));
        }
      }
      return changes;
    }

    @Test
    void entries_appliedToTheParent_giveTheLayer() throws Exception {
      TreeModel parent =
          TreeModel.of(
              dir("etc").owner(1, 2),
              file("etc/motd", "hello"),
              file("etc/old", "x"),
              dir("usr"),
              file("usr/bin", "x"));
      TreeModel layer = parent.copy();
      layer.apply(
          remove("etc/old"),
          file("etc/motd", "bye").time(TIME.plusSeconds(9)),
          remove("usr/bin"),
          dir("usr/bin").mode(0700),
          file("usr/bin/a", "a"),
          hardLink("usr/bin/b", "usr/bin/a"),
          symlink("bin", "usr/bin"));
      driver.add("parent", parent).add("layer", layer);
      TreeModel again = parent.copy();
      again.apply(asChanges(NaiveDiff.of(driver.driver(), "layer", "parent")));
      layer.snapshot().assertSameAs(again.snapshot());
    }
  }

  private static final class BrokenTree implements LayerTree {

    @Override
    public Optional<Node> find(LayerPath path) {
      return Optional.empty();
    }

    @Override
    public List<Node> list(LayerPath path) throws LayerStoreException {
      throw new DriverException("model", null, "bad disk", null);
    }

    @Override
    public InputStream open(Node node) {
      throw new AssertionError("no files");
    }

    @Override
    public void close() {}
  }
}
