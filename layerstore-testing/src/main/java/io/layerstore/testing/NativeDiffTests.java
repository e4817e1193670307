package io.layerstore.testing;

import static io.layerstore.testing.TreeChange.TIME;
import static io.layerstore.testing.TreeChange.dir;
import static io.layerstore.testing.TreeChange.file;
import static io.layerstore.testing.TreeChange.hardLink;
import static io.layerstore.testing.TreeChange.remove;
import static io.layerstore.testing.TreeChange.symlink;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.Change;
import io.layerstore.LayerPath;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.FileContent;
import io.layerstore.spi.NativeDiff;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.TreeReader;
import io.layerstore.spi.TreeWriter;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The diffs a driver makes by itself, and the {@link TreeReader} that gives them out. */
abstract class NativeDiffTests extends DriverTests {

  private String base;
  private String changed;

  @BeforeEach
  void makeLayers() throws IOException {
    base =
        layer(
            null,
            dir("etc"),
            file("etc/a", "A"),
            file("etc/b", "B"),
            dir("op"),
            file("op/x", "X"),
            symlink("l", "etc"),
            file("type", "file"));
    changed = kit().readWriteLayer(base);
  }

  /** The diff of the changed layer; skips the test if the driver makes none. */
  private NativeDiff diff() throws IOException {
    return nativeDiff(changed, base);
  }

  private NativeDiff nativeDiff(String id, String parent) throws IOException {
    NativeDiff diff = kit().diff(id, parent).orElse(null);
    kit().require(diff != null, "the store compares trees for this driver");
    return diff;
  }

  private List<String> changes() throws IOException {
    try (Stream<Change> changes = diff().changes()) {
      return changes.map(Change::toString).toList();
    }
  }

  @Test
  void changes_unchangedLayer_areNone() throws IOException {
    assertEquals(List.of(), changes());
  }

  @Test
  void changes_everyKind_areListedWithTheirParents() throws IOException {
    kit()
        .change(
            changed,
            file("etc/a", "changed"),
            remove("etc/b"),
            file("etc/c", "C"),
            remove("op"),
            dir("new"),
            file("new/f", "F"),
            remove("type"),
            dir("type"));
    assertEquals(
        Set.of(
            "C /etc", "C /etc/a", "D /etc/b", "A /etc/c", "D /op", "A /new", "A /new/f", "C /type"),
        new HashSet<>(changes()));
  }

  @Test
  void changes_twice_areInTheSameOrder() throws IOException {
    kit().change(changed, file("etc/z", ""), file("etc/y", ""), file("x", ""), remove("op"));
    assertEquals(changes(), changes());
  }

  @Test
  void changes_contentWithSizeAndTimeKept_isFound() throws IOException {
    kit()
        .require(
            driver().nativeDiff(changed, base).isPresent(),
            "comparing trees does not look at contents");
    kit().change(changed, file("etc/a", "Z"));
    assertTrue(changes().contains("C /etc/a"));
  }

  @Test
  void sizeBytes_unchangedLayer_isZero() throws IOException {
    assertEquals(0, diff().sizeBytes());
  }

  @Test
  void sizeBytes_hardLinks_countOnce() throws IOException {
    kit()
        .change(
            changed, file("f", "12345"), hardLink("g", "f"), symlink("m", "1234567"), remove("op"));
    assertEquals(5 + 7, diff().sizeBytes());
  }

  @Test
  void entries_unchangedLayer_areNone() throws IOException {
    try (TreeReader reader = diff().entries()) {
      assertNull(reader.next());
    }
  }

  @Test
  void entries_directories_comeBeforeTheirContent() throws IOException {
    kit().change(changed, dir("n"), dir("n/o"), file("n/o/p", ""), file("n-", ""));
    Set<LayerPath> seen = new HashSet<>(Set.of(LayerPath.ROOT));
    try (TreeReader reader = diff().entries()) {
      for (TreeEntry entry = reader.next(); entry != null; entry = reader.next()) {
        LayerPath parent = entry.path().parent();
        assertTrue(seen.contains(parent) || !parent.startsWith(LayerPath.of("n")));
        seen.add(entry.path());
      }
    }
    assertTrue(seen.contains(LayerPath.of("n/o/p")));
  }

  @Test
  void entries_hardLinks_comeAfterTheFirstName() throws IOException {
    kit().change(changed, file("f", "12345"), hardLink("a", "f"), hardLink("z", "f"));
    try (TreeReader reader = diff().entries()) {
      TreeEntry first = null;
      int links = 0;
      for (TreeEntry entry = reader.next(); entry != null; entry = reader.next()) {
        if (entry.type() == EntryType.FILE) {
          assertNull(first, "one file only");
          first = entry;
        } else if (entry.type() == EntryType.HARD_LINK) {
          assertEquals(first.path(), entry.linkTarget());
          links++;
        }
      }
      assertEquals(2, links);
    }
  }

  @Test
  void content_ofFile_isAsLongAsItsEntrySays() throws IOException {
    kit().change(changed, file("f", "12345"));
    try (TreeReader reader = diff().entries()) {
      TreeEntry entry = reader.next();
      while (entry.type() != EntryType.FILE) {
        entry = reader.next();
      }
      try (InputStream content = reader.content()) {
        assertEquals(entry.sizeBytes(), content.readAllBytes().length);
      }
    }
  }

  @Test
  void content_afterOtherThanFile_throws() throws IOException {
    kit().change(changed, dir("d"));
    try (TreeReader reader = diff().entries()) {
      reader.next();
      assertThrows(IllegalStateException.class, reader::content);
    }
  }

  @Test
  void entries_appliedToTheParent_giveTheLayer() throws IOException {
    kit()
        .change(
            changed,
            file("etc/a", "changed").time(TIME.plusSeconds(9)),
            remove("etc/b"),
            remove("op"),
            dir("op"),
            file("op/new", "N"),
            remove("type"),
            dir("type"),
            file("type/f", "F"),
            hardLink("type/g", "type/f"));
    String copy = kit().emptyLayer(base);
    try (TreeReader reader = diff().entries();
        TreeWriter writer = driver().openWriter(copy, base, new RecordingWriteContext())) {
      for (TreeEntry entry = reader.next(); entry != null; entry = reader.next()) {
        if (entry.type() == EntryType.FILE) {
          try (InputStream content = reader.content()) {
            writer.write(entry, FileContent.dense(content, entry.sizeBytes()));
          }
        } else {
          writer.write(entry, null);
        }
      }
      writer.finish(0);
    }
    assertEquals(kit().paths(changed), kit().paths(copy));
    assertEquals("changed", kit().content(copy, "etc/a"));
    assertEquals("F", kit().content(copy, "type/g"));
  }

  @Test
  void close_twice_doesNothing() throws IOException {
    TreeReader reader = diff().entries();
    reader.close();
    reader.close();
  }

  @Test
  void nativeDiff_withoutParent_isEverything() throws IOException {
    try (Stream<Change> changes = nativeDiff(base, null).changes()) {
      assertEquals(
          Set.of("A /etc", "A /etc/a", "A /etc/b", "A /op", "A /op/x", "A /l", "A /type"),
          new HashSet<>(changes.map(Change::toString).toList()));
    }
  }
}
