package io.layerstore.testing;

import static io.layerstore.testing.TreeChange.dir;
import static io.layerstore.testing.TreeChange.file;
import static io.layerstore.testing.TreeChange.hardLink;
import static io.layerstore.testing.TreeChange.opaque;
import static io.layerstore.testing.TreeChange.remove;
import static io.layerstore.testing.TreeChange.symlink;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
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
}
