package io.layerstore.testing;

import static io.layerstore.testing.TreeChange.TIME;
import static io.layerstore.testing.TreeChange.characterDevice;
import static io.layerstore.testing.TreeChange.chmod;
import static io.layerstore.testing.TreeChange.chown;
import static io.layerstore.testing.TreeChange.dir;
import static io.layerstore.testing.TreeChange.file;
import static io.layerstore.testing.TreeChange.hardLink;
import static io.layerstore.testing.TreeChange.opaque;
import static io.layerstore.testing.TreeChange.remove;
import static io.layerstore.testing.TreeChange.setXattr;
import static io.layerstore.testing.TreeChange.symlink;
import static io.layerstore.testing.TreeChange.touch;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.LayerPath;
import io.layerstore.spi.LayerTree;
import java.io.IOException;
import java.util.List;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.opentest4j.AssertionFailedError;

/** The fixtures that other tests trust: a comparison that cannot fail would prove nothing. */
final class TreeModelTest {

  private static void assertDiffer(TreeChange one, TreeChange other) {
    TreeSnapshot first = TreeModel.of(one).snapshot();
    TreeSnapshot second = TreeModel.of(other).snapshot();
    assertThrows(AssertionFailedError.class, () -> first.assertSameAs(second));
    assertThrows(AssertionFailedError.class, () -> second.assertSameAs(first));
  }

  @Nested
  final class Apply {

    @Test
    void apply_fileWithoutParents_makesThem() {
      assertEquals(
          List.of("a", "a/b", "a/b/f"), TreeModel.of(file("a/b/f", "x")).snapshot().paths());
    }

    @Test
    void apply_remove_removesAllBelowAndNothingBeside() {
      TreeModel model = TreeModel.of(file("a/b", ""), file("a-b", ""), file("ab", ""));
      model.apply(remove("a"));
      assertEquals(List.of("a-b", "ab"), model.snapshot().paths());
    }

    @Test
    void apply_opaque_keepsWhatTheLayerWrote() {
      TreeModel model = TreeModel.of(file("d/old", ""), file("d/sub/old", ""));
      model.apply(file("d/sub/new", ""), opaque("d"), file("d/later", ""));
      assertEquals(List.of("d", "d/later", "d/sub", "d/sub/new"), model.snapshot().paths());
    }

    @Test
    void apply_directoryOverFile_replacesIt() {
      TreeModel.of(dir("x"))
          .snapshot()
          .assertSameAs(TreeModel.of(file("x", "1"), dir("x")).snapshot());
    }

    @Test
    void apply_fileOverOneNameOfTwo_leavesTheOther() {
      TreeModel model = TreeModel.of(file("a", "1"), hardLink("b", "a"), file("a", "2"));
      assertEquals("1", model.content(LayerPath.of("b")).toString());
    }

    @Test
    void apply_hardLinkToMissing_throws() {
      assertThrows(NoSuchElementException.class, () -> TreeModel.of(hardLink("a", "b")));
    }

    @Test
    void apply_belowFile_throws() {
      assertThrows(
          IllegalArgumentException.class, () -> TreeModel.of(file("f", ""), file("f/g", "")));
    }

    @Test
    void copy_changed_leavesTheOriginal() {
      TreeModel model = TreeModel.of(file("a", "1"), hardLink("b", "a"));
      TreeModel copy = model.copy();
      copy.apply(chmod("a", 0600));
      assertEquals(0644, model.entry(LayerPath.of("b")).attributes().mode());
      assertEquals(0600, copy.entry(LayerPath.of("b")).attributes().mode());
    }
  }

  @Nested
  final class Compare {

    @Test
    void assertSameAs_anyFactDiffers_fails() {
      TreeChange.Put file = file("f", "x");
      assertDiffer(file, file("f", "y"));
      assertDiffer(file, file("f", "xx"));
      assertDiffer(file, file("g", "x"));
      assertDiffer(file, file.mode(0600));
      assertDiffer(file, file.owner(1, 0));
      assertDiffer(file, file.owner(0, 1));
      assertDiffer(file, file.time(TIME.plusNanos(1)));
      assertDiffer(file, file.xattr("user.a", "1"));
      assertDiffer(file.xattr("user.a", "1"), file.xattr("user.a", "2"));
      assertDiffer(file, dir("f"));
      assertDiffer(symlink("l", "a"), symlink("l", "b"));
      assertDiffer(characterDevice("c", 1, 3), characterDevice("c", 1, 5));
    }

    @Test
    void assertSameAs_entryMissing_fails() {
      TreeSnapshot one = TreeModel.of(file("a", "")).snapshot();
      TreeSnapshot two = TreeModel.of(file("a", ""), file("b", "")).snapshot();
      assertThrows(AssertionFailedError.class, () -> one.assertSameAs(two));
      assertThrows(AssertionFailedError.class, () -> two.assertSameAs(one));
    }

    @Test
    void assertSameAs_hardLinkBrokenUp_fails() {
      TreeSnapshot linked = TreeModel.of(file("a", "x"), hardLink("b", "a")).snapshot();
      TreeSnapshot apart = TreeModel.of(file("a", "x"), file("b", "x")).snapshot();
      assertThrows(AssertionFailedError.class, () -> linked.assertSameAs(apart));
      assertThrows(AssertionFailedError.class, () -> apart.assertSameAs(linked));
    }

    @Test
    void assertSameAs_unknownTime_equalsAny() {
      TreeModel implied = TreeModel.of(file("d/f", "x"));
      TreeModel given = TreeModel.of(dir("d"), file("d/f", "x"));
      implied.snapshot().assertSameAs(given.snapshot());
    }

    @Test
    void assertSameAs_difference_isPrintedWithBothSides() {
      AssertionFailedError failure =
          assertThrows(
              AssertionFailedError.class,
              () ->
                  TreeModel.of(file("a", "x"), file("same", ""))
                      .snapshot()
                      .assertSameAs(TreeModel.of(file("a", "y"), file("same", "")).snapshot()));
      List<String> starts =
          failure.getMessage().lines().skip(1).map(line -> line.substring(0, 4)).toList();
      assertEquals(List.of("  / ", "- /a", "+ /a", "  /s"), starts);
    }
  }

  @Nested
  final class Attributes {

    @Test
    void alter_entry_changesOnlyThat() {
      TreeModel model = TreeModel.of(file("f", "x"));
      model.apply(
          chmod("f", 0600), chown("f", 1, 2), setXattr("f", "user.a", "1"), touch("f", TIME));
      TreeModel.of(file("f", "x").mode(0600).owner(1, 2).xattr("user.a", "1"))
          .snapshot()
          .assertSameAs(model.snapshot());
    }
  }

  @Nested
  final class Tree {

    @Test
    void tree_ofModel_showsNamesOfOneFile() throws IOException {
      try (LayerTree tree = TreeModel.of(file("a", "x"), hardLink("b", "a")).tree()) {
        LayerTree.Node a = tree.find(LayerPath.of("a")).orElseThrow();
        LayerTree.Node b = tree.find(LayerPath.of("b")).orElseThrow();
        assertEquals(a.fileId(), b.fileId());
        assertEquals(2, a.names());
      }
    }

    @Test
    void list_directory_isDirectContentOnly() throws IOException {
      try (LayerTree tree = TreeModel.of(file("a/b/c", ""), file("a/d", "")).tree()) {
        assertEquals(2, tree.list(LayerPath.of("a")).size());
        assertTrue(tree.find(LayerPath.of("a/b/c")).isPresent());
        assertFalse(tree.find(LayerPath.of("c")).isPresent());
      }
    }
  }
}
