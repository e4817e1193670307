package io.layerstore.testing;

import static io.layerstore.testing.TreeChange.dir;
import static io.layerstore.testing.TreeChange.file;
import static io.layerstore.testing.TreeChange.hardLink;
import static io.layerstore.testing.TreeChange.opaque;
import static io.layerstore.testing.TreeChange.remove;
import static io.layerstore.testing.TreeChange.symlink;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.LayerPath;
import io.layerstore.MountOptions;
import io.layerstore.spi.LayerTree;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a {@link io.layerstore.spi.TreeWriter} makes of whiteouts and opaque marks. */
abstract class WhiteoutTests extends DriverTests {

  private String base;

  @BeforeEach
  void makeBase() throws IOException {
    base =
        layer(
            null,
            dir("etc"),
            file("etc/a", "A"),
            file("etc/b", "B"),
            dir("op"),
            file("op/x", "X"),
            dir("op/deep"),
            file("op/deep/y", "Y"),
            symlink("link", "etc"),
            file("top", "T"));
  }

  /** Fails unless a layer of {@code changes} on the base is shown as the model says. */
  private String assertShownAfter(TreeChange... changes) throws IOException {
    String id = layer(base, changes);
    kit().assertShown(id);
    kit().assertShown(base);
    return id;
  }

  @Test
  void whiteout_ofFile_hidesIt() throws IOException {
    assertShownAfter(dir("etc"), remove("etc/a"));
  }

  @Test
  void whiteout_ofFileInRoot_hidesIt() throws IOException {
    assertShownAfter(remove("top"));
  }

  @Test
  void whiteout_ofDirectory_hidesAllOfIt() throws IOException {
    assertShownAfter(remove("op"));
  }

  @Test
  void whiteout_ofSymlink_hidesTheLinkOnly() throws IOException {
    assertShownAfter(remove("link"));
  }

  @Test
  void whiteout_ofMissingName_isHarmless() throws IOException {
    assertShownAfter(dir("etc"), remove("etc/missing"), remove("gone"));
  }

  @Test
  void whiteout_inMissingDirectory_makesTheDirectory() throws IOException {
    String id = kit().emptyLayer(base);
    kit().write(id, base, remove("new/gone"));
    List<String> paths = new ArrayList<>(kit().paths(base));
    paths.add("new");
    assertEquals(paths.stream().sorted().toList(), kit().paths(id));
  }

  @Test
  void whiteout_ofLargeDirectory_hidesAllOfIt() throws IOException {
    TreeChange[] changes = new TreeChange[1000];
    for (int i = 0; i < changes.length; i++) {
      changes[i] = file("many/" + i % 10 + "/" + i, "");
    }
    String parent = kit().emptyLayer(null);
    kit().write(parent, null, changes);
    String id = kit().emptyLayer(parent);
    kit().write(id, parent, remove("many"));
    assertEquals(List.of(), kit().paths(id));
  }

  @Test
  void whiteout_thenFileOfThatName_showsTheFile() throws IOException {
    assertShownAfter(dir("etc"), remove("etc/a"), file("etc/a", "new"));
  }

  @Test
  void whiteout_thenDirectoryOfThatName_showsTheDirectory() throws IOException {
    String id = kit().emptyLayer(base);
    kit().write(id, base, remove("op"), dir("op"), file("op/new", "N"));
    // A driver that stores whiteouts loses this one when the directory takes its name, as Docker's.
    assertEquals(
        traits().executesWhiteouts()
            ? List.of("op/new")
            : List.of("op/deep", "op/deep/y", "op/new", "op/x"),
        kit().paths(id).stream().filter(path -> path.startsWith("op/")).toList());
  }

  @Test
  void whiteout_ofFileOfSameLayer_removesIt() throws IOException {
    kit().require(traits().executesWhiteouts(), "a stored whiteout cannot take the name");
    String id = kit().emptyLayer(base);
    kit().write(id, base, file("etc/new", "N"), remove("etc/new"));
    assertEquals(kit().paths(base), kit().paths(id));
  }

  @Test
  void whiteout_ofNameInGrandparent_hidesIt() throws IOException {
    String middle = layer(base, dir("etc"), file("etc/c", "C"));
    String id = layer(middle, dir("etc"), remove("etc/a"), remove("etc/c"));
    kit().assertShown(id);
    kit().assertShown(middle);
  }

  @Test
  void whiteout_thenNameAgainInChild_showsTheNewOne() throws IOException {
    String middle = layer(base, remove("op"));
    String id = layer(middle, dir("op"), file("op/again", "Z"));
    kit().assertShown(id);
  }

  @Test
  void whiteout_ofNameWithHardLinks_leavesTheOtherNames() throws IOException {
    String parent = layer(null, file("f", "x"), hardLink("g", "f"), hardLink("h", "f"));
    String id = kit().emptyLayer(parent);
    kit().write(id, parent, remove("f"));
    assertEquals(List.of("g", "h"), kit().paths(id));
    assertEquals("x", kit().content(id, "h"));
  }

  @Test
  void whiteoutsOnly_areALayer() throws IOException {
    String id = layer(base, remove("etc"), remove("op"), remove("link"), remove("top"));
    assertEquals(List.of(), kit().paths(id));
  }

  @Test
  void opaque_directory_showsOnlyThisLayer() throws IOException {
    assertShownAfter(dir("op"), opaque("op"), file("op/new", "N"));
  }

  @Test
  void opaque_anywhereAmongItsSiblings_isTheSame() throws IOException {
    assertShownAfter(dir("op"), opaque("op"), file("op/1", ""), file("op/2", ""));
    assertShownAfter(dir("op"), file("op/1", ""), opaque("op"), file("op/2", ""));
    assertShownAfter(dir("op"), file("op/1", ""), file("op/2", ""), opaque("op"));
  }

  @Test
  void opaque_withoutEntryOfTheDirectory_showsOnlyThisLayer() throws IOException {
    String id = kit().emptyLayer(base);
    kit().write(id, base, opaque("op"), file("op/new", "N"));
    assertEquals(
        List.of("op", "op/new"),
        kit().paths(id).stream().filter(path -> path.startsWith("op")).toList());
  }

  @Test
  void opaque_afterSubdirectoryOfThisLayer_hidesOnlyTheOldContentOfIt() throws IOException {
    String id = kit().emptyLayer(base);
    kit().write(id, base, dir("op"), dir("op/deep"), file("op/deep/new", "N"), opaque("op"));
    assertEquals(
        List.of("op", "op/deep", "op/deep/new"),
        kit().paths(id).stream().filter(path -> path.startsWith("op")).toList());
  }

  @Test
  void opaque_twice_isTheSame() throws IOException {
    assertShownAfter(dir("op"), opaque("op"), file("op/new", "N"), opaque("op"));
  }

  @Test
  void opaque_ofMissingDirectory_makesTheDirectory() throws IOException {
    String id = kit().emptyLayer(null);
    kit().write(id, null, opaque("new"));
    assertEquals(List.of("new"), kit().paths(id));
  }

  @Test
  void opaque_root_showsOnlyThisLayer() throws IOException {
    String id = kit().emptyLayer(base);
    kit().write(id, base, opaque(""), file("ok", "1"));
    assertEquals(List.of("ok"), kit().paths(id));
  }

  @Test
  void opaque_inChainOfLayers_hidesAllBelow() throws IOException {
    String middle = layer(base, dir("op"), file("op/middle", "M"));
    String id = layer(middle, dir("op"), opaque("op"), file("op/new", "N"));
    kit().assertShown(id);
    String child = layer(id, dir("op"), file("op/child", "C"));
    kit().assertShown(child);
  }

  @Test
  void opaque_nested_showsOnlyThisLayer() throws IOException {
    assertShownAfter(
        dir("op"), opaque("op"), dir("op/deep"), opaque("op/deep"), file("op/deep/new", "N"));
  }

  @Test
  void whiteout_inDirectoryThatIsNew_isNotSeenInAMount() throws IOException {
    assertWalked(base, List.of("new", "new/f"), dir("new"), remove("new/gone"), file("new/f", "F"));
  }

  @Test
  void whiteout_inImpliedDirectory_isNotSeenInAMount() throws IOException {
    assertWalked(base, List.of("new", "new/er"), remove("new/er/gone"));
  }

  @Test
  void whiteout_inBaseLayer_isNotSeenInAMount() throws IOException {
    assertWalked(null, List.of("new"), dir("new"), remove("new/gone"), remove("gone"));
  }

  @Test
  void whiteout_inOpaqueDirectory_isNotSeenInAMount() throws IOException {
    assertWalked(base, List.of("op"), dir("op"), opaque("op"), remove("op/x"));
    assertWalked(base, List.of("op"), dir("op"), remove("op/x"), opaque("op"));
  }

  @Test
  void whiteout_belowOpaqueDirectory_isNotSeenInAMount() throws IOException {
    assertWalked(
        base,
        List.of("op", "op/deep"),
        dir("op"),
        dir("op/deep"),
        remove("op/deep/y"),
        opaque("op"));
  }

  @Test
  void whiteout_belowOpaqueRoot_isNotSeenInAMount() throws IOException {
    String id = kit().emptyLayer(base);
    kit().write(id, base, dir("op"), remove("op/x"), opaque(""));
    assertEquals(List.of("op"), walked(id));
  }

  @Test
  void whiteout_belowDeletedDirectory_isNotSeenInAMount() throws IOException {
    assertWalked(base, List.of("op"), remove("op"), remove("op/x"));
    assertWalked(base, List.of("op"), dir("op"), remove("op/x"), remove("op"), dir("op"));
  }

  @Test
  void whiteout_inDirectoryInPlaceOfAFile_isNotSeenInAMount() throws IOException {
    assertWalked(base, List.of("top"), dir("top"), remove("top/gone"));
  }

  @Test
  void whiteout_inDirectoryInPlaceOfALink_isNotSeenInAMount() throws IOException {
    assertWalked(base, List.of("link"), dir("link"), remove("link/a"));
  }

  @Test
  void whiteout_inDirectoryThatALayerBelowDeletes_isNotSeenInAMount() throws IOException {
    String middle = layer(base, remove("op"));
    assertWalked(middle, List.of("op"), dir("op"), remove("op/x"));
  }

  @Test
  void whiteout_whereAnotherLayerIsBelow_hidesWhatIsBelow() throws IOException {
    String middle = layer(base, file("etc/c", "C"));
    String id = kit().emptyLayer(middle);
    kit().write(id, middle, remove("etc/a"), remove("etc/c"), remove("etc/missing"));
    assertEquals(List.of("etc", "etc/b"), below("etc", walked(id)));
  }

  @Test
  void whiteout_inReadWriteLayer_isNotSeenInAMount() throws IOException {
    String id = kit().readWriteLayer(base);
    kit().write(id, base, dir("new"), remove("new/gone"), remove("op/x"));
    MountedTree mount = kit().mount(id);
    try {
      assertEquals(List.of("new"), below("new", walk(mount.resolve(""))));
      assertEquals(List.of("op", "op/deep", "op/deep/y"), below("op", walk(mount.resolve(""))));
    } finally {
      kit().driver().unmount(id);
    }
  }

  @Test
  void whiteout_inNewDirectory_leavesItsTimes() throws IOException {
    String id = kit().emptyLayer(base);
    kit().write(id, base, dir("new"), remove("new/gone"));
    String reference = kit().emptyLayer(base);
    kit().write(reference, base, dir("new"));
    assertEquals(modified(reference, "new"), modified(id, "new"));
  }

  private Instant modified(String id, String path) throws IOException {
    try (LayerTree tree = kit().driver().tree(id)) {
      return tree.find(LayerPath.of(path)).orElseThrow().entry().attributes().modified();
    }
  }

  /**
   * Fails unless walking through a mount of a layer of {@code changes} shows {@code expected}, and
   * nothing else at or below the first of these.
   */
  private void assertWalked(String parent, List<String> expected, TreeChange... changes)
      throws IOException {
    String id = kit().emptyLayer(parent);
    kit().write(id, parent, changes);
    assertEquals(expected, below(expected.get(0), walked(id)));
  }

  private static List<String> below(String top, List<String> paths) {
    return paths.stream().filter(path -> path.equals(top) || path.startsWith(top + "/")).toList();
  }

  /** What a walk finds in a mount of the layer itself, and of a read-write layer on it. */
  private List<String> walked(String id) throws IOException {
    String top = kit().readWriteLayer(id);
    List<String> paths;
    try {
      paths = walk(kit().mount(top).resolve(""));
    } finally {
      kit().driver().unmount(top);
    }
    try {
      Path alone = kit().driver().mountReadOnly(id, MountOptions.DEFAULT);
      assertEquals(paths, walk(alone));
    } finally {
      kit().driver().unmount(id);
    }
    return paths;
  }

  /** Fails if a name is listed that is not there. */
  private static List<String> walk(Path root) throws IOException {
    try (Stream<Path> paths = Files.walk(root)) {
      return paths
          .filter(path -> !path.equals(root))
          .map(path -> root.relativize(path).toString().replace('\\', '/'))
          .sorted()
          .toList();
    }
  }
}
