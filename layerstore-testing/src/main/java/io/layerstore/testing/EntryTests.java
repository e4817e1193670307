package io.layerstore.testing;

import static io.layerstore.testing.TreeChange.TIME;
import static io.layerstore.testing.TreeChange.blockDevice;
import static io.layerstore.testing.TreeChange.characterDevice;
import static io.layerstore.testing.TreeChange.chmod;
import static io.layerstore.testing.TreeChange.chown;
import static io.layerstore.testing.TreeChange.dir;
import static io.layerstore.testing.TreeChange.fifo;
import static io.layerstore.testing.TreeChange.file;
import static io.layerstore.testing.TreeChange.hardLink;
import static io.layerstore.testing.TreeChange.opaque;
import static io.layerstore.testing.TreeChange.remove;
import static io.layerstore.testing.TreeChange.symlink;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.FileContent;
import io.layerstore.spi.FileContent.Extent;
import io.layerstore.spi.LayerTree;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.TreeWriter;
import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What a {@link TreeWriter} makes of entries whose paths have no links in them. */
abstract class EntryTests extends DriverTests {

  private static final ByteString CAPABILITY = ByteString.utf8("security.capability");

  /** cap_net_raw+ep, revision 2: as in ping of many distributions. */
  private static final ByteString CAP_NET_RAW =
      ByteString.of(new byte[] {1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});

  // Types

  @Test
  void write_everyType_isShownAsGiven() throws IOException {
    String id =
        layer(
            null,
            dir("d").mode(0700),
            file("d/f", "hello"),
            symlink("l", "d/f"),
            hardLink("h", "d/f"),
            fifo("p").mode(0600),
            characterDevice("c", 1, 3).mode(0666),
            blockDevice("b", 8, 17).mode(0660));
    kit().assertShown(id);
  }

  @Test
  void write_emptyFile_isShown() throws IOException {
    kit().assertShown(layer(null, file("empty", "")));
  }

  @Test
  void write_largeDeviceNumbers_areKept() throws IOException {
    kit().assertShown(layer(null, characterDevice("c", 4095, 1048575)));
  }

  @Test
  void write_symlinkWithAnyText_isKeptVerbatim() throws IOException {
    kit()
        .assertShown(
            layer(
                null,
                symlink("absolute", "/etc/passwd"),
                symlink("climbing", "../../../../../../etc/passwd"),
                symlink("slashes", "a//b/"),
                symlink("rooted", "//abs"),
                symlink("dot", "."),
                symlink("spaces", " a b "),
                symlink("dangling", "nowhere"),
                symlink("self", "self")));
  }

  @Test
  void write_symlinkOfThousandsOfBytes_isKept() throws IOException {
    kit().assertShown(layer(null, symlink("l", "x/".repeat(2000) + "y")));
  }

  // Attributes

  @Test
  void write_specialModes_surviveTheOwner() throws IOException {
    kit()
        .assertShown(
            layer(
                null,
                file("setuid", "x").mode(04755).owner(5, 6),
                file("setgid", "x").mode(02755).owner(5, 6),
                dir("sticky").mode(01777).owner(5, 6),
                fifo("fifo").mode(04755).owner(5, 6)));
  }

  @Test
  void write_modeZero_isKept() throws IOException {
    kit().assertShown(layer(null, file("f", "hidden").mode(0), dir("d").mode(0)));
  }

  @Test
  void write_entriesIntoReadOnlyDirectory_areMade() throws IOException {
    kit().assertShown(layer(null, dir("d").mode(0500), file("d/f", "x"), dir("d/e").mode(0)));
  }

  @Test
  void write_owners_areKept() throws IOException {
    kit()
        .assertShown(
            layer(
                null,
                dir("d").owner(1000, 1001),
                file("d/f", "x").owner(65534, 3_000_000),
                symlink("l", "d").owner(7, 8),
                fifo("p").owner(9, 10),
                file("max", "x").owner(Attributes.MAX_ID, Attributes.MAX_ID)));
  }

  @Test
  void write_timesWithNanoseconds_areKept() throws IOException {
    kit()
        .assertShown(
            layer(
                null,
                file("f", "x").time(TIME.plusNanos(123_456_789)),
                dir("d").time(TIME.plusNanos(987_654_321)),
                symlink("l", "f").time(TIME.plusNanos(123_456_000))));
  }

  @Test
  void write_timesFarAway_areKept() throws IOException {
    kit()
        .assertShown(
            layer(
                null,
                file("epoch", "x").time(Instant.EPOCH),
                file("2100", "x").time(Instant.parse("2100-01-01T00:00:00Z"))));
  }

  @Test
  void write_childrenAfterDirectory_leaveItsTime() throws IOException {
    kit().assertShown(layer(null, dir("d"), file("d/f", "x"), dir("d/e"), file("d/e/g", "x")));
  }

  @Test
  void write_xattrs_areKept() throws IOException {
    kit()
        .assertShown(
            layer(
                null,
                file("f", "x").xattr("user.note", "hello"),
                dir("d").xattr("user.note", "hello").xattr("user.more", "x")));
  }

  @Test
  void write_xattrsWithAnyBytes_areKept() throws IOException {
    byte[] bytes = {0, 1, (byte) 0xff, '\n', (byte) 0x80};
    kit()
        .assertShown(
            layer(
                null,
                file("f", "x")
                    .xattr(ByteString.utf8("user.binary"), ByteString.of(bytes))
                    .xattr("user.empty", "")));
  }

  @Test
  void write_capability_survivesOwnerAndSetuid() throws IOException {
    kit()
        .assertShown(
            layer(null, file("ping", "x").mode(04755).owner(5, 6).xattr(CAPABILITY, CAP_NET_RAW)));
  }

  @Test
  void write_emptyXattrs_areKeptForEveryType() throws IOException {
    // Docker 20.10 takes them for attributes that are not there, later engines do not.
    kit()
        .assertShown(
            layer(
                null,
                file("f", "x").xattr("user.empty", "").xattr("user.other", ""),
                dir("d").xattr("user.empty", "").xattr("user.note", "hello")));
  }

  @Test
  void write_xattrOfSymlink_isKeptOrWarnedOf() throws IOException {
    String id = kit().emptyLayer(null);
    RecordingWriteContext context =
        kit().write(id, null, symlink("l", "target").xattr("user.note", "hello"));
    boolean isKept = !attributes(id, "l").xattrs().isEmpty();
    boolean isWarned =
        context.warnings().stream().anyMatch(w -> w.path().equals(LayerPath.of("l")));
    assertTrue(isKept || isWarned);
  }

  @Test
  void write_overlayXattrs_areKeptWithoutEffect() throws IOException {
    String parent = layer(null, dir("op"), file("op/x", "X"), dir("secret"), file("f", "F"));
    String id =
        layer(
            parent,
            dir("op").xattr("trusted.overlay.opaque", "y").xattr("user.overlay.opaque", "y"),
            dir("secret").xattr("trusted.overlay.redirect", "/op"),
            file("f", "F2")
                .xattr("trusted.overlay.metacopy", "")
                .xattr("trusted.overlay.whiteout", "y")
                .xattr("user.overlay.redirect", "/op/x"));
    kit().assertShown(id);
  }

  @Test
  void write_characterDeviceZeroZero_isKeptOrRefused() throws IOException {
    String parent = layer(null, file("f", "x"));
    if (traits().executesWhiteouts()) {
      kit().assertShown(layer(parent, characterDevice("f", 0, 0)));
    } else {
      // It would turn into a whiteout.
      kit().assertRefused(LayerStoreException.class, parent, characterDevice("f", 0, 0));
    }
  }

  @Test
  void write_deviceNodesOfRealImages_areKept() throws IOException {
    kit()
        .assertShown(
            layer(
                null,
                dir("dev"),
                characterDevice("dev/ptmx", 5, 2).mode(0666),
                characterDevice("dev/console", 5, 1).mode(0600),
                characterDevice("dev/agpgart", 10, 175).mode(0660),
                blockDevice("dev/loop0", 7, 0).mode(0660)));
  }

  @Test
  void write_attributesOfSymlink_leaveItsTarget() throws IOException {
    kit()
        .assertShown(
            layer(
                null,
                file("f", "x").mode(0600).owner(1, 2),
                symlink("l", "f").owner(3, 4).time(TIME.plusSeconds(5))));
  }

  // Names

  @Test
  void write_namesInAnyBytes_areKept() throws IOException {
    byte[][] names = {
      {'c', 'a', 'f', (byte) 0xe9},
      {(byte) 0xff, (byte) 0xfe},
      {(byte) 0xed, (byte) 0xa0, (byte) 0x80},
      {'.', '.', (byte) 0xc0, (byte) 0xaf, 'x'},
      {'n', 'e', 'w', '\n', 'l', 'i', 'n', 'e'},
      {1, 2, 0x7f},
    };
    TreeChange[] changes = new TreeChange[names.length];
    for (int i = 0; i < names.length; i++) {
      changes[i] = file(LayerPath.of(ByteString.of(names[i])), ByteString.utf8("content " + i));
    }
    kit().assertShown(layer(null, changes));
  }

  @Test
  void write_linkTextInAnyBytes_isKept() throws IOException {
    byte[] text = {'c', 'a', 'f', (byte) 0xe9, '/', (byte) 0xff};
    kit().assertShown(layer(null, symlink(LayerPath.of("l"), ByteString.of(text))));
  }

  @Test
  void write_strangeNames_areKept() throws IOException {
    kit()
        .assertShown(
            layer(
                null,
                file("-rf", "x"),
                file("back\\slash", "x"),
                file("co:lon", "x"),
                file(" space ", "x"),
                file("dot.", "x"),
                file("...", "x"),
                file("*?\"<>|", "x"),
                file("émigré", "x"),
                file("日本語", "x"),
                file("%41", "x"),
                file("con", "x")));
  }

  @Test
  void write_namesThatDifferInCase_areTwoFiles() throws IOException {
    kit().require(traits().isCaseSensitive(), "the file system takes them for one name");
    kit().assertShown(layer(null, file("Same", "1"), file("same", "2")));
  }

  @Test
  void write_namesThatDifferInCase_areRefused() throws IOException {
    kit().require(!traits().isCaseSensitive(), "the file system keeps them apart");
    kit().assertRefused(LayerStoreException.class, null, file("Same", "1"), file("same", "2"));
  }

  @Test
  void write_namesThatDifferInUnicodeForm_areTwoFiles() throws IOException {
    kit().require(traits().isCaseSensitive(), "the file system takes them for one name");
    kit().assertShown(layer(null, file("caf\u00e9", "1"), file("cafe\u0301", "2")));
  }

  @Test
  void write_longestName_isKept() throws IOException {
    kit().assertShown(layer(null, file("n".repeat(255), "x")));
  }

  @Test
  void write_deepPath_isKeptAndCanBeRemoved() throws IOException {
    String path = "d/".repeat(500) + "f";
    String id = written(file(path, "deep"));
    assertEquals("deep", kit().content(id, path));
    driver().remove(id);
    assertFalse(driver().exists(id));
  }

  // Hard links

  @Test
  void write_hardLink_isOneFileWithTwoNames() throws IOException {
    String id = layer(null, file("a", "x"), hardLink("b", "a"));
    try (LayerTree tree = driver().tree(id)) {
      LayerTree.Node a = tree.find(LayerPath.of("a")).orElseThrow();
      LayerTree.Node b = tree.find(LayerPath.of("b")).orElseThrow();
      assertEquals(a.fileId(), b.fileId());
      assertEquals(a.names(), b.names());
      assertTrue(a.names() == 2 || a.names() == Integer.MAX_VALUE, () -> a.names() + " names");
    }
  }

  @Test
  void write_hardLink_givesItsAttributesToTheFile() throws IOException {
    kit()
        .assertShown(
            layer(
                null,
                file("a", "x"),
                hardLink("b", "a").mode(0600).owner(5, 6).time(TIME.plusSeconds(9))));
  }

  @Test
  void write_hardLinkToSymlink_isTheSameSymlink() throws IOException {
    String id = layer(null, file("f", "x"), symlink("l", "f"), hardLink("m", "l"));
    assertEquals(EntryType.SYMLINK, kit().type(id, "m"));
    assertEquals(ByteString.utf8("f"), linkText(id, "m"));
  }

  private ByteString linkText(String id, String path) throws IOException {
    try (LayerTree tree = driver().tree(id)) {
      return tree.find(LayerPath.of(path)).orElseThrow().entry().linkText();
    }
  }

  /** As with any other type; Docker leaves the link its time, for want of a call in Go. */
  @Test
  void write_hardLinkToSymlink_givesItsTimeToTheLink() throws IOException {
    Instant time = TIME.plusSeconds(9);
    String id =
        layer(null, file("f", "x"), symlink("l", "f"), hardLink("m", "l").owner(5, 6).time(time));
    assertEquals(time, attributes(id, "l").modified());
    assertEquals(time, attributes(id, "m").modified());
    assertEquals(TIME, attributes(id, "f").modified());
  }

  @Test
  void write_hardLinkOfSameOwner_leavesTheCapability() throws IOException {
    // Docker gives the owner again, by which the kernel takes the capability away.
    String id =
        layer(
            null,
            file("ping", "x").owner(5, 6).xattr(CAPABILITY, CAP_NET_RAW).xattr("user.note", "x"),
            hardLink("ping4", "ping").owner(5, 6));
    assertEquals(List.of("security.capability", "user.note"), xattrNames(id, "ping"));
  }

  @Test
  void write_hardLinkOfOtherOwner_takesTheCapabilityAway() throws IOException {
    kit().require(kit().showsOwners(), "needs owners");
    String id =
        layer(
            null,
            file("ping", "x").owner(5, 6).xattr(CAPABILITY, CAP_NET_RAW).xattr("user.note", "x"),
            hardLink("ping4", "ping").owner(5, 7));
    assertEquals(List.of("user.note"), xattrNames(id, "ping"));
  }

  @Test
  void write_hardLinkOfOtherOwnerWithItsCapability_hasIt() throws IOException {
    String id =
        layer(
            null,
            file("ping", "x").owner(5, 6).xattr(CAPABILITY, CAP_NET_RAW),
            hardLink("ping4", "ping").owner(5, 7).xattr(CAPABILITY, CAP_NET_RAW));
    assertEquals(List.of("security.capability"), xattrNames(id, "ping"));
  }

  private List<String> xattrNames(String id, String path) throws IOException {
    return attributes(id, path).xattrs().stream().map(x -> x.name().toString()).sorted().toList();
  }

  @Test
  void write_hardLinkInMissingDirectory_makesTheDirectory() throws IOException {
    kit().assertShown(layer(null, file("a", "x"), hardLink("p/q/b", "a")));
  }

  @Test
  void write_hardLinkToMissingFile_isRefused() throws IOException {
    kit().assertRefused(LayerStoreException.class, null, hardLink("h", "missing"));
  }

  @Test
  void write_hardLinkToLaterEntry_isRefused() throws IOException {
    kit().assertRefused(LayerStoreException.class, null, hardLink("h", "f"), file("f", "x"));
  }

  @Test
  void write_hardLinkToItself_isRefused() throws IOException {
    kit().assertRefused(LayerStoreException.class, null, hardLink("h", "h"));
  }

  @Test
  void write_hardLinkToDirectory_isRefused() throws IOException {
    kit().assertRefused(LayerStoreException.class, null, dir("d"), hardLink("h", "d"));
  }

  @Test
  void write_hardLinkToFileOfParent_isRefusedOrOneFile() throws IOException {
    String parent = layer(null, file("a", "x"));
    if (traits().executesWhiteouts()) {
      String id = layer(parent, hardLink("b", "a"));
      kit().assertShown(id);
      kit().assertShown(parent);
    } else {
      kit().assertRefused(LayerStoreException.class, parent, hardLink("b", "a"));
    }
  }

  // Parents

  @Test
  void write_withoutParents_makesThemForEveryType() throws IOException {
    kit()
        .assertShown(
            layer(
                null,
                file("a/b/f", "x").owner(9, 9),
                symlink("c/d/l", "x"),
                fifo("e/p"),
                characterDevice("dev/ptmx", 5, 2),
                dir("g/h/i").mode(0700)));
  }

  /**
   * The archive says nothing of such a directory: it is root's, as with Docker. What the kernel
   * makes of the set-gid bit differs with the driver.
   */
  @Test
  void write_withoutParentsInSetGroupIdDirectory_makesThemOfRoot() throws IOException {
    String id =
        written(
            dir("d").mode(02775).owner(0, 50),
            file("d/implied/sub/f", "x"),
            dir("d/own").owner(0, 50),
            remove("d/deleted/f"),
            opaque("d/opaque"));
    for (String path : List.of("d/implied", "d/implied/sub", "d/deleted", "d/opaque")) {
      assertEquals(0, attributes(id, path).gid(), path);
      assertEquals(0755, attributes(id, path).mode() & 0777, path);
    }
  }

  @Test
  void write_entriesIntoSetGroupIdDirectory_haveTheirOwnGroupAndMode() throws IOException {
    kit()
        .assertShown(
            layer(
                null,
                dir("d").mode(02775).owner(0, 50),
                file("d/f", "x"),
                dir("d/sub"),
                symlink("d/l", "f"),
                fifo("d/p"),
                file("d/other", "x").owner(0, 7),
                dir("d/both").mode(02755).owner(0, 7)));
  }

  @Test
  void write_parentAfterItsChild_setsItsAttributes() throws IOException {
    kit().assertShown(layer(null, file("d/f", "x"), dir("d").mode(0700).owner(5, 6)));
  }

  @Test
  void write_belowDirectoryOfParent_showsBoth() throws IOException {
    String parent = layer(null, dir("etc").mode(0700).owner(5, 6), file("etc/a", "1"));
    String id = layer(parent, dir("etc").mode(0700).owner(5, 6), file("etc/b", "2"));
    kit().assertShown(id);
    kit().assertShown(parent);
  }

  @Test
  void write_belowDirectoryOfParentWithoutItsEntry_keepsOrResetsItsAttributes() throws IOException {
    String parent = layer(null, dir("etc").mode(0700).owner(5, 6), file("etc/a", "1"));
    String id = kit().emptyLayer(parent);
    kit().write(id, parent, file("etc/b", "2"));
    // A driver that does not see the layers below makes the directory anew, as Docker's does.
    int mode = traits().executesWhiteouts() ? 0700 : 0755;
    long uid = traits().executesWhiteouts() ? 5 : 0;
    Attributes attributes = attributes(id, "etc");
    assertEquals(mode, attributes.mode());
    assertEquals(uid, attributes.uid());
    assertEquals(List.of("etc", "etc/a", "etc/b"), kit().paths(id));
  }

  private Attributes attributes(String id, String path) throws IOException {
    try (LayerTree tree = driver().tree(id)) {
      return tree.find(LayerPath.of(path)).orElseThrow().entry().attributes();
    }
  }

  @Test
  void write_belowFile_isRefused() throws IOException {
    kit().assertRefused(LayerStoreException.class, null, file("f", "x"), file("f/g", "y"));
  }

  @Test
  void write_belowFifo_isRefusedWithoutWaiting() throws IOException {
    kit().assertRefused(LayerStoreException.class, null, fifo("p"), file("p/g", "y"));
  }

  // What is in the way

  @Test
  void write_directoryOverDirectory_onlySetsAttributes() throws IOException {
    kit()
        .assertShown(
            layer(
                null,
                dir("d").mode(0700).xattr("user.a", "1"),
                file("d/f", "x"),
                dir("d").mode(0711).owner(1, 2).xattr("user.a", "1")));
  }

  @Test
  void write_otherTypeOverAnything_replacesIt() throws IOException {
    for (TreeChange.Put first : oneOfEach("x")) {
      for (TreeChange.Put second : oneOfEach("x")) {
        boolean isMerged =
            first.entry().type() == EntryType.DIRECTORY
                && second.entry().type() == EntryType.DIRECTORY;
        if (!isMerged) {
          String id = layer(null, file("target", "t"), first, second);
          kit().assertShown(id);
          driver().remove(id);
        }
      }
    }
  }

  /** A device that is not made leaves in sight what the layers below have there. */
  private boolean isShown(TreeChange.Put entry) {
    return entry.entry().device() == null || kit().showsDevices();
  }

  @Test
  void write_otherTypeOverAnythingOfParent_replacesIt() throws IOException {
    for (TreeChange.Put first : oneOfEach("x")) {
      String parent = layer(null, file("target", "t"), first);
      for (TreeChange.Put second : oneOfEach("x")) {
        if (second.entry().type() != EntryType.HARD_LINK && isShown(second)) {
          String id = layer(parent, second);
          kit().assertShown(id);
          driver().remove(id);
        }
      }
      kit().assertShown(parent);
    }
  }

  /** An entry of each type at {@code path}; the hard link is to {@code target}. */
  private static List<TreeChange.Put> oneOfEach(String path) {
    return List.of(
        dir(path),
        file(path, "content"),
        symlink(path, "elsewhere"),
        hardLink(path, "target"),
        fifo(path),
        characterDevice(path, 1, 3));
  }

  @Test
  void write_fileOverPopulatedDirectory_removesAllOfIt() throws IOException {
    kit()
        .assertShown(
            layer(
                null, dir("d"), dir("d/e"), file("d/e/f", "x"), file("d/g", "y"), file("d", "z")));
  }

  @Test
  void write_fileOverNameOfHardLink_leavesTheOtherName() throws IOException {
    kit().assertShown(layer(null, file("a", "1"), hardLink("b", "a"), file("b", "2")));
  }

  @Test
  void write_fileOverFileOfParent_leavesTheParent() throws IOException {
    String parent = layer(null, file("f", "old"), hardLink("g", "f"));
    String id = kit().emptyLayer(parent);
    kit().write(id, parent, file("f", "new"));
    assertEquals("new", kit().content(id, "f"));
    assertEquals("old", kit().content(id, "g"));
    kit().assertShown(parent);
  }

  @Test
  void write_changesOfParent_areShownAndLeaveTheParent() throws IOException {
    String parent = layer(null, dir("d"), file("d/f", "x"), file("g", "y"), symlink("l", "g"));
    String id =
        layer(parent, chmod("d/f", 04755), chown("g", 5, 6), remove("l"), dir("d").mode(0700));
    kit().assertShown(id);
    kit().assertShown(parent);
  }

  // Content

  @Test
  void write_contentOfManyChunks_isKept() throws IOException {
    byte[] bytes = new byte[3_000_001];
    new Random(7).nextBytes(bytes);
    String id = written(file(LayerPath.of("big"), ByteString.of(bytes)));
    assertArrayEquals(bytes, bytes(id, "big"));
  }

  @Test
  void write_contentInPieces_isReadToItsEnd() throws IOException {
    byte[] bytes = "one byte at a time, for ever and ever".getBytes(StandardCharsets.UTF_8);
    InputStream slow =
        new FilterInputStream(new ByteArrayInputStream(bytes)) {
          @Override
          public int read(byte[] buffer, int offset, int length) throws IOException {
            return super.read(buffer, offset, Math.min(length, 1));
          }
        };
    String id = kit().emptyLayer(null);
    write(
        id,
        TreeEntry.file(LayerPath.of("f"), Attributes.of(0644, TIME), bytes.length),
        FileContent.dense(slow, bytes.length));
    assertArrayEquals(bytes, bytes(id, "f"));
    assertEquals(0, slow.available());
  }

  @Test
  void write_content_isNotClosed() throws IOException {
    boolean[] isClosed = {false};
    InputStream data =
        new ByteArrayInputStream(new byte[] {1, 2, 3}) {
          @Override
          public void close() {
            isClosed[0] = true;
          }
        };
    String id = kit().emptyLayer(null);
    write(
        id,
        TreeEntry.file(LayerPath.of("f"), Attributes.of(0644, TIME), 3),
        FileContent.dense(data, 3));
    assertFalse(isClosed[0]);
  }

  @Test
  void write_contentThrows_throwsThatItself() throws IOException {
    IOException mine = new IOException("source is gone");
    InputStream broken =
        new InputStream() {
          @Override
          public int read() throws IOException {
            throw mine;
          }

          @Override
          public int read(byte[] buffer, int offset, int length) throws IOException {
            throw mine;
          }
        };
    String id = kit().emptyLayer(null);
    try (TreeWriter writer = driver().openWriter(id, null, new RecordingWriteContext())) {
      TreeEntry entry = TreeEntry.file(LayerPath.of("f"), Attributes.of(0644, TIME), 5);
      IOException thrown =
          assertThrows(IOException.class, () -> writer.write(entry, FileContent.dense(broken, 5)));
      assertSame(mine, thrown);
    }
  }

  @Test
  void write_holes_areReadAsZeros() throws IOException {
    byte[] data = "firstlast".getBytes(StandardCharsets.UTF_8);
    FileContent content =
        new FileContent(
            new ByteArrayInputStream(data), List.of(new Extent(3, 5), new Extent(9000, 4)));
    String id = kit().emptyLayer(null);
    write(id, TreeEntry.file(LayerPath.of("f"), Attributes.of(0644, TIME), 20_000), content);
    byte[] expected = new byte[20_000];
    System.arraycopy(data, 0, expected, 3, 5);
    System.arraycopy(data, 5, expected, 9000, 4);
    assertArrayEquals(expected, bytes(id, "f"));
  }

  @Test
  void write_onlyAHole_isReadAsZeros() throws IOException {
    FileContent content = new FileContent(InputStream.nullInputStream(), List.of());
    String id = kit().emptyLayer(null);
    write(id, TreeEntry.file(LayerPath.of("f"), Attributes.of(0644, TIME), 100_000), content);
    assertArrayEquals(new byte[100_000], bytes(id, "f"));
  }

  @Test
  void write_holesOverLongerFile_showNothingOfIt() throws IOException {
    byte[] old = new byte[5000];
    Arrays.fill(old, (byte) 'x');
    String id = kit().emptyLayer(null);
    RecordingWriteContext context = new RecordingWriteContext();
    try (TreeWriter writer = driver().openWriter(id, null, context)) {
      TreeEntry entry = TreeEntry.file(LayerPath.of("f"), Attributes.of(0644, TIME), 5000);
      writer.write(entry, FileContent.dense(new ByteArrayInputStream(old), old.length));
      context.wrote(entry.path());
      writer.write(entry, new FileContent(InputStream.nullInputStream(), List.of()));
      writer.finish(10_000);
    }
    assertArrayEquals(new byte[5000], bytes(id, "f"));
  }

  private void write(String id, TreeEntry entry, FileContent content) throws IOException {
    try (TreeWriter writer = driver().openWriter(id, null, new RecordingWriteContext())) {
      writer.write(entry, content);
      writer.finish(entry.sizeBytes());
    }
  }

  private byte[] bytes(String id, String path) throws IOException {
    try (LayerTree tree = driver().tree(id)) {
      LayerTree.Node node = tree.find(LayerPath.of(path)).orElseThrow();
      try (InputStream content = tree.open(node)) {
        return content.readAllBytes();
      }
    }
  }

  // Finish and close

  @Test
  void finish_ofLayer_givesItsSizeAsTheDriverCounts() throws IOException {
    String id = kit().emptyLayer(null);
    long size;
    try (TreeWriter writer = driver().openWriter(id, null, new RecordingWriteContext())) {
      file("a", "123456").writeTo(writer);
      hardLink("b", "a").writeTo(writer);
      symlink("l", "1234567").writeTo(writer);
      dir("d").writeTo(writer);
      size = writer.finish(1_000_000);
    }
    // A copying driver repeats the sizes of the archive; others count their files once, and links.
    assertEquals(traits().executesWhiteouts() ? 1_000_000 : 6 + 7, size);
  }

  @Test
  void finish_withoutEntries_leavesAnEmptyLayer() throws IOException {
    String id = written();
    assertEquals(List.of(), kit().paths(id));
  }

  @Test
  void close_beforeFinish_leavesALayerThatCanBeRemoved() throws IOException {
    String id = kit().emptyLayer(null);
    TreeWriter writer = driver().openWriter(id, null, new RecordingWriteContext());
    dir("d").mode(0).writeTo(writer);
    file("d/f", "x").writeTo(writer);
    writer.close();
    driver().remove(id);
    assertFalse(driver().exists(id));
  }

  @Test
  void close_twice_doesNothing() throws IOException {
    String id = kit().emptyLayer(null);
    TreeWriter writer = driver().openWriter(id, null, new RecordingWriteContext());
    file("f", "x").writeTo(writer);
    writer.finish(1);
    writer.close();
    writer.close();
    assertEquals("x", kit().content(id, "f"));
  }

  @Test
  void openWriter_invalidId_throws() {
    assertThrows(
        IllegalArgumentException.class,
        () -> driver().openWriter("../x", null, new RecordingWriteContext()));
  }

  @Test
  void openWriter_missingLayer_throws() {
    assertThrows(
        LayerStoreException.class,
        () -> driver().openWriter("missing", null, new RecordingWriteContext()));
  }
}
