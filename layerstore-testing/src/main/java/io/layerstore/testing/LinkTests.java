package io.layerstore.testing;

import static io.layerstore.testing.TreeChange.TIME;
import static io.layerstore.testing.TreeChange.characterDevice;
import static io.layerstore.testing.TreeChange.dir;
import static io.layerstore.testing.TreeChange.fifo;
import static io.layerstore.testing.TreeChange.file;
import static io.layerstore.testing.TreeChange.hardLink;
import static io.layerstore.testing.TreeChange.opaque;
import static io.layerstore.testing.TreeChange.remove;
import static io.layerstore.testing.TreeChange.symlink;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ArchiveException;
import io.layerstore.LayerStoreException;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.TreeWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a {@link io.layerstore.spi.TreeWriter} does when links lead elsewhere, inside the layer or
 * out of it.
 *
 * <p>Most are attacks that once worked somewhere: tar and image extractors that resolved a name and
 * used it, checked a string and let the kernel follow a link, or confined one type of entry and not
 * another. The canary outside the store is compared after each test.
 */
abstract class LinkTests extends DriverTests {

  /** Every type of entry, as something an archive can put at a path. */
  enum Kind {
    DIRECTORY,
    FILE,
    SYMLINK,
    HARD_LINK,
    CHARACTER_DEVICE,
    FIFO,
    WHITEOUT,
    OPAQUE;

    TreeChange at(String path) {
      return switch (this) {
        case DIRECTORY -> dir(path);
        case FILE -> file(path, "evil");
        case SYMLINK -> symlink(path, "target");
        case HARD_LINK -> hardLink(path, "target");
        case CHARACTER_DEVICE -> characterDevice(path, 1, 3);
        case FIFO -> fifo(path);
        case WHITEOUT -> remove(path);
        case OPAQUE -> opaque(path);
      };
    }
  }

  /** How often to try to win a race against the writer. */
  private static final int ROUNDS = Boolean.getBoolean("layerstore.heavy") ? 1000 : 100;

  // Out of the layer

  @ParameterizedTest
  @EnumSource(Kind.class)
  void write_belowLinkThatClimbsOut_isBreakout(Kind kind) throws IOException {
    // How far the layer is below the canary depends on the driver, so try them all.
    String climb = "";
    for (int levels = 1; levels <= 6; levels++) {
      climb += "../";
      kit()
          .assertRefused(
              ArchiveException.Kind.BREAKOUT,
              null,
              file("target", "t"),
              symlink("d", climb + "outside"),
              kind.at("d/canary"));
    }
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void write_belowChainOfLinksThatClimbsOut_isBreakout(Kind kind) throws IOException {
    kit()
        .assertRefused(
            ArchiveException.Kind.BREAKOUT,
            null,
            file("target", "t"),
            symlink("a", "b"),
            symlink("b", "../outside"),
            kind.at("a/canary"));
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void write_belowLinksThatClimbStepByStep_isBreakout(Kind kind) throws IOException {
    kit()
        .assertRefused(
            ArchiveException.Kind.BREAKOUT,
            null,
            file("target", "t"),
            dir("a"),
            dir("a/b"),
            symlink("a/b/up", ".."),
            symlink("a/up", ".."),
            symlink("up", ".."),
            kind.at("a/b/up/up/up/outside/canary"));
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void write_belowDirectoryReplacedByLink_isBreakout(Kind kind) throws IOException {
    kit()
        .assertRefused(
            ArchiveException.Kind.BREAKOUT,
            null,
            file("target", "t"),
            dir("d"),
            file("d/a", "x"),
            symlink("d", "../outside"),
            kind.at("d/canary"));
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void write_belowLinkOfParentLayerThatClimbsOut_staysInside(Kind kind) throws IOException {
    String parent = layer(null, file("target", "t"), symlink("d", "../outside"));
    if (traits().executesWhiteouts()) {
      kit().assertRefused(ArchiveException.Kind.BREAKOUT, parent, kind.at("d/canary"));
    } else if (kind != Kind.HARD_LINK) {
      // The layers below are not seen: the link is replaced by a directory.
      String id = kit().emptyLayer(parent);
      kit().write(id, parent, kind.at("d/canary"));
      assertEquals(EntryType.DIRECTORY, kit().type(id, "d"));
    }
  }

  @Test
  void opaque_ofLinkThatClimbsOut_isBreakout() throws IOException {
    kit()
        .assertRefused(
            ArchiveException.Kind.BREAKOUT, null, symlink("d", "../../../../outside"), opaque("d"));
  }

  @Test
  void write_hardLinkToFileBelowLinkThatClimbsOut_isBreakout() throws IOException {
    for (String climb : List.of("../", "../../", "../../../", "../../../../", "../../../../../")) {
      kit()
          .assertRefused(
              ArchiveException.Kind.BREAKOUT,
              null,
              symlink("s", climb + "outside"),
              hardLink("h", "s/canary"));
    }
  }

  @Test
  void write_hardLinkToLinkOutOfTheLayer_isTheLinkItself() throws IOException {
    String secret = kit().outside().resolve("canary").toString();
    String id = written(symlink("s", secret), hardLink("h", "s").mode(0777).owner(5, 6).time(TIME));
    assertEquals(EntryType.SYMLINK, kit().type(id, "h"));
  }

  @Test
  void write_throughNameThatIsALinkOut_replacesTheLink() throws IOException {
    String secret = kit().outside().resolve("canary").toString();
    String id = written(symlink("f", secret), file("f", "mine"));
    assertEquals("mine", kit().content(id, "f"));
  }

  @Test
  void write_directoryOverLinkToDirectoryOutside_replacesTheLink() throws IOException {
    String inside = kit().outside().resolve("inside").toString();
    String id = written(symlink("d", inside), dir("d").mode(0777), file("d/file", "mine"));
    assertEquals("mine", kit().content(id, "d/file"));
  }

  @Test
  void write_attributesOfLinkOut_areTheLinksOwn() throws IOException {
    String secret = kit().outside().resolve("canary").toString();
    String id = written(symlink("s", secret).mode(0777).owner(5, 6).time(TIME.plusSeconds(1)));
    assertEquals(EntryType.SYMLINK, kit().type(id, "s"));
  }

  @Test
  void write_overDirectoryWithLinksOut_removesTheLinksOnly() throws IOException {
    String inside = kit().outside().resolve("inside").toString();
    String id = written(dir("d"), symlink("d/l", inside), file("d", "x"));
    assertEquals(List.of("d"), kit().paths(id));
  }

  @Test
  void whiteout_ofDirectoryWithLinksOut_removesTheLinksOnly() throws IOException {
    String inside = kit().outside().resolve("inside").toString();
    String parent = kit().emptyLayer(null);
    kit().write(parent, null, dir("d"), symlink("d/l", inside));
    String id = kit().emptyLayer(parent);
    kit().write(id, parent, remove("d"));
    assertEquals(List.of(), kit().paths(id));
  }

  @Test
  void opaque_ofDirectoryWithLinksOut_removesTheLinksOnly() throws IOException {
    String inside = kit().outside().resolve("inside").toString();
    String parent = kit().emptyLayer(null);
    kit().write(parent, null, dir("d"), symlink("d/l", inside));
    String id = kit().emptyLayer(parent);
    kit().write(id, parent, dir("d"), opaque("d"));
    assertEquals(List.of("d"), kit().paths(id));
  }

  @Test
  void remove_layerWithLinksOut_removesTheLinksOnly() throws IOException {
    String inside = kit().outside().resolve("inside").toString();
    String id = written(symlink("l", inside), symlink("m", kit().outside().toString()));
    driver().remove(id);
  }

  // Inside the layer

  @Test
  void write_belowAbsoluteLink_startsAtTheRootOfTheLayer() throws IOException {
    String id = written(dir("etc"), symlink("d", "/etc"), file("d/x", "1"));
    assertEquals("1", kit().content(id, "etc/x"));
  }

  @Test
  void write_belowAbsoluteLinkToPlaceOutside_makesItInside() throws IOException {
    // On Windows, the name of a drive is one like any other in a layer.
    String outside = kit().outside().toString().replaceFirst("^/", "").replace('\\', '/');
    String id = written(symlink("d", "/" + outside), file("d/canary", "mine"));
    assertEquals("mine", kit().content(id, outside + "/canary"));
  }

  @Test
  void write_belowAbsoluteLinkWithDots_clampsAtTheRoot() throws IOException {
    String id = written(dir("etc"), symlink("d", "/../../etc"), file("d/x", "1"));
    assertEquals("1", kit().content(id, "etc/x"));
  }

  @Test
  void write_belowRelativeLink_followsIt() throws IOException {
    String id = written(dir("usr"), dir("usr/bin"), symlink("bin", "usr/bin"), file("bin/sh", "1"));
    assertEquals("1", kit().content(id, "usr/bin/sh"));
    assertEquals(EntryType.SYMLINK, kit().type(id, "bin"));
  }

  @Test
  void write_belowLinkThatClimbsInside_followsIt() throws IOException {
    String id =
        written(dir("a"), dir("a/b"), dir("c"), symlink("a/b/l", "../../c"), file("a/b/l/f", "1"));
    assertEquals("1", kit().content(id, "c/f"));
  }

  @Test
  void write_belowDanglingLink_makesItsTarget() throws IOException {
    String id = written(symlink("l", "p/q"), file("l/f", "1"));
    assertEquals("1", kit().content(id, "p/q/f"));
    assertEquals(EntryType.SYMLINK, kit().type(id, "l"));
  }

  @Test
  void write_belowLinkOfParentLayer_followsOrReplacesIt() throws IOException {
    String parent =
        layer(
            null, dir("usr"), dir("usr/bin"), file("usr/bin/old", "1"), symlink("bin", "usr/bin"));
    String id = kit().emptyLayer(parent);
    kit().write(id, parent, file("bin/new", "2"));
    if (traits().executesWhiteouts()) {
      assertEquals("2", kit().content(id, "usr/bin/new"));
      assertEquals(EntryType.SYMLINK, kit().type(id, "bin"));
    } else {
      // Docker's overlay2 does not see the layers below while it unpacks.
      assertEquals("2", kit().content(id, "bin/new"));
      assertEquals(EntryType.DIRECTORY, kit().type(id, "bin"));
    }
  }

  @Test
  void write_afterDirectoryBecameLink_followsTheLink() throws IOException {
    String id =
        written(dir("real"), dir("d"), file("d/a", "1"), symlink("d", "real"), file("d/b", "2"));
    assertEquals("2", kit().content(id, "real/b"));
  }

  @Test
  void write_afterParentOfDirectoryBecameLink_followsTheLink() throws IOException {
    String id =
        written(
            dir("real"),
            dir("real/y"),
            dir("d"),
            dir("d/y"),
            file("d/y/a", "1"),
            symlink("d", "real"),
            file("d/y/b", "2"));
    assertEquals(List.of("d", "real", "real/y", "real/y/b"), kit().paths(id));
  }

  @Test
  void write_afterLinkChanged_followsTheNewOne() throws IOException {
    String id =
        written(
            dir("a"),
            dir("b"),
            symlink("l", "a"),
            file("l/1", ""),
            symlink("l", "b"),
            file("l/2", ""));
    assertEquals(List.of("a", "a/1", "b", "b/2", "l"), kit().paths(id));
  }

  @Test
  void write_afterWhiteoutOfDirectory_makesItAgain() throws IOException {
    kit().require(traits().executesWhiteouts(), "a stored whiteout cannot take the name");
    String id = written(dir("d"), file("d/a", "1"), remove("d"), file("d/b", "2"));
    assertEquals(List.of("d", "d/b"), kit().paths(id));
  }

  @Test
  void write_linkOverLink_replacesIt() throws IOException {
    String id =
        written(symlink("bin/sh", "bash"), symlink("bin/sh", "dash"), file("bin/dash", "x"));
    assertEquals(List.of("bin", "bin/dash", "bin/sh"), kit().paths(id));
    assertEquals(EntryType.SYMLINK, kit().type(id, "bin/sh"));
  }

  @Test
  void write_hardLinkBelowLink_followsBothSides() throws IOException {
    String id =
        written(
            dir("usr"),
            dir("usr/bin"),
            symlink("bin", "usr/bin"),
            file("usr/bin/a", "x"),
            hardLink("bin/b", "bin/a"));
    assertEquals("x", kit().content(id, "usr/bin/b"));
  }

  @Test
  void whiteout_belowLink_isResolvedInside() throws IOException {
    kit().require(traits().executesWhiteouts(), "whiteouts are stored");
    String parent = layer(null, dir("etc"), file("etc/x", "1"), symlink("d", "/etc"));
    String id = kit().emptyLayer(parent);
    kit().write(id, parent, remove("d/x"));
    assertEquals(List.of("d", "etc"), kit().paths(id));
  }

  @Test
  void opaque_ofLink_isResolvedOrReplaced() throws IOException {
    // The mark is an entry below the directory, so the name of the directory itself is followed.
    kit().require(traits().executesWhiteouts(), "the layers below are not seen");
    String parent = layer(null, dir("etc"), file("etc/x", "1"), symlink("d", "/etc"));
    String id = kit().emptyLayer(parent);
    kit().write(id, parent, opaque("d"));
    assertEquals(List.of("d", "etc"), kit().paths(id));
  }

  @ParameterizedTest
  @ValueSource(strings = {"self", "other"})
  void write_belowLoopOfLinks_isRefused(String target) throws IOException {
    kit()
        .assertRefused(
            LayerStoreException.class,
            null,
            symlink("self", target),
            symlink("other", "self"),
            file("self/x", "1"));
  }

  /** Links that lead 790 directories up and as many down as there are, each to the next of them. */
  private static List<TreeChange> windingLinks(int files) {
    List<TreeChange> changes = new ArrayList<>();
    String deep = "d";
    for (int i = 0; i < 50; i++) {
      changes.add(dir(deep));
      deep += "/d";
    }
    changes.add(dir(deep));
    for (int i = 40; i > 0; i--) {
      String next = i == 40 ? "" : "/l" + (i + 1);
      changes.add(symlink(deep + "/l" + i, "/" + "../".repeat(790) + deep + next));
    }
    for (int i = 0; i < files; i++) {
      changes.add(file(deep + "/l1/f" + i, "x"));
      changes.add(dir("between" + i));
    }
    return changes;
  }

  @Test
  void write_belowFewWindingLinks_followsThem() throws IOException {
    String id = written(windingLinks(1).toArray(TreeChange[]::new));
    assertEquals("x", kit().content(id, "d/".repeat(51) + "f0"));
  }

  @Test
  void write_belowWindingLinksAgainAndAgain_isRefused() throws IOException {
    LayerStoreException e =
        kit()
            .assertRefused(
                LayerStoreException.class, null, windingLinks(20).toArray(TreeChange[]::new));
    assertTrue(e.getMessage().contains("more directories than this store follows"), e.getMessage());
  }

  @Test
  void write_belowMagicLink_staysInside() throws IOException {
    String id = written(symlink("l", "/proc/self/root"), file("l/etc/x", "1"));
    assertEquals("1", kit().content(id, "proc/self/root/etc/x"));
  }

  @Test
  void write_belowPathLongerThanTheKernelTakes_staysInside() throws IOException {
    // Extractors that gave up resolving such a path took it for missing, and wrote through it.
    String component = "d".repeat(247);
    String path = "";
    TreeChange[] changes = new TreeChange[16 + 16 + 1];
    for (int i = 0; i < 16; i++) {
      String name = path.isEmpty() ? component : path + "/" + component;
      changes[2 * i] = dir(name);
      String link = path.isEmpty() ? "" + (char) ('a' + i) : path + "/" + (char) ('a' + i);
      changes[2 * i + 1] = symlink(link, component);
      path = path.isEmpty() ? "" + (char) ('a' + i) : path + "/" + (char) ('a' + i);
    }
    changes[32] = symlink(path + "/out", "../".repeat(20) + "outside");
    String id = kit().emptyLayer(null);
    String end = path;
    assertThrows(
        LayerStoreException.class,
        () -> {
          TreeChange[] all = Arrays.copyOf(changes, changes.length + 1);
          all[changes.length] = file(end + "/out/canary", "evil");
          kit().write(id, null, all);
        });
    driver().remove(id);
  }

  @Test
  void write_belowFifoOrDevice_isRefused() throws IOException {
    kit().assertRefused(LayerStoreException.class, null, fifo("p"), dir("p/d"));
    if (kit().showsDevices()) {
      kit().assertRefused(LayerStoreException.class, null, characterDevice("c", 5, 2), dir("c/d"));
    }
  }

  // Against somebody else

  @Test
  void write_whileSomebodySwapsDirectoryAndLink_staysInside() throws Exception {
    Path outside = kit().outside();
    String id = kit().emptyLayer(null);
    kit().write(id, null, dir("d"), dir("d/inside"));
    Path directory = kit().mount(id).resolve("d");
    AtomicBoolean isDone = new AtomicBoolean();
    Thread swapper = new Thread(() -> swap(directory, outside, isDone));
    swapper.start();
    try (TreeWriter writer = driver().openWriter(id, null, new RecordingWriteContext())) {
      for (int i = 0; i < ROUNDS; i++) {
        tryWrite(writer, file("d/canary", "evil " + i));
        tryWrite(writer, symlink("d/link", "evil"));
        tryWrite(writer, dir("d/inside").mode(0700 + i % 8).owner(7, 7));
        tryWrite(writer, dir("d/new" + i).mode(0700));
        tryWrite(writer, fifo("d/fifo" + i));
        tryWrite(writer, hardLink("d/hard" + i, "d/canary").mode(0700).owner(8, 8));
        tryWrite(writer, remove("d/inside/file"));
      }
      writer.finish(0);
    } catch (LayerStoreException e) {
      // Refusing is as good as staying inside.
    } finally {
      isDone.set(true);
      swapper.join();
      driver().unmount(id);
    }
    kit().assertNothingOutsideChanged();
  }

  private static void tryWrite(TreeWriter writer, TreeChange change) throws IOException {
    try {
      change.writeTo(writer);
    } catch (LayerStoreException e) {
      // Refusing is as good as staying inside.
    }
  }

  /** Takes turns between the directory {@code name} and a link of that name to {@code target}. */
  private static void swap(Path name, Path target, AtomicBoolean isDone) {
    Path aside = name.resolveSibling("aside");
    while (!isDone.get()) {
      try {
        Files.move(name, aside, StandardCopyOption.ATOMIC_MOVE);
        Files.createSymbolicLink(name, target);
        Files.delete(name);
        Files.move(aside, name, StandardCopyOption.ATOMIC_MOVE);
      } catch (IOException e) {
        // The writer was faster, with a directory of its own or at the link.
        putBack(name, aside);
      }
    }
  }

  private static void putBack(Path name, Path aside) {
    try {
      if (Files.isSymbolicLink(name)) {
        Files.delete(name);
      }
      if (Files.isDirectory(aside, LinkOption.NOFOLLOW_LINKS)
          && !Files.exists(name, LinkOption.NOFOLLOW_LINKS)) {
        Files.move(aside, name, StandardCopyOption.ATOMIC_MOVE);
      } else if (Files.exists(aside, LinkOption.NOFOLLOW_LINKS)) {
        Files.move(aside, aside.resolveSibling("old-" + System.nanoTime()));
      }
    } catch (IOException e) {
      // Tried again in the next turn.
    }
  }
}
