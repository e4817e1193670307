package io.layerstore.overlay2.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ArchiveException.Kind;
import io.layerstore.ByteString;
import io.layerstore.IdMapping;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.OperationInterruptedException;
import io.layerstore.overlay2.linux.wire.Errno;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.FileContent;
import io.layerstore.spi.FileContent.Extent;
import io.layerstore.spi.HelperFailureException;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.UnmappableIdException;
import io.layerstore.spi.WriteContext;
import io.layerstore.spi.Xattr;
import io.layerstore.testing.Machine;
import io.layerstore.testing.Refusals;
import io.layerstore.testing.Tool;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ApplyHelperTest {

  private static final Instant TIME = Instant.ofEpochSecond(1_600_000_000, 123_456_789);
  private static final FileContent NO_CONTENT = FileContent.dense(InputStream.nullInputStream(), 0);

  @TempDir Path home;
  private final Context context = new Context();
  private LinuxCalls calls;
  private Path diff;
  private WriteSettings settings;
  private DiffWriter writer;

  /** Keeps what it is told. */
  private static final class Context implements WriteContext {
    final List<String> events = new ArrayList<>();
    IOException failure;

    @Override
    public boolean isWritten(LayerPath realPath) {
      return true;
    }

    @Override
    public void wroteThroughLink(LayerPath path, LayerPath realPath, long sizeBytes) {
      events.add("through " + path + " to " + realPath + " " + sizeBytes);
    }

    @Override
    public void destroying(LayerPath realPath, long sizeBytes, InputStream content)
        throws IOException {
      if (failure != null) {
        throw failure;
      }
      String text = new String(content.readAllBytes(), StandardCharsets.ISO_8859_1);
      assertEquals(sizeBytes, text.length());
      events.add("destroy " + realPath + " " + (sizeBytes > 20 ? sizeBytes : text));
    }

    @Override
    public void redirecting(LayerPath realPath) {
      events.add("redirect " + realPath);
    }

    @Override
    public void warn(LayerPath path, String reason) {
      events.add("warn " + path + " " + reason);
    }
  }

  /** What the helper is to do without; another class runs the same tests as on an old kernel. */
  int helperFlags() {
    return 0;
  }

  @BeforeEach
  void makeLayer() throws IOException {
    calls = new NativeLinuxCalls(Helpers.binary(), Helpers.namespace(), helperFlags());
    Helpers.makeLayer(home, "layer", Helpers.link(1), false);
    diff = home.resolve("layer/diff");
    boolean isRoot = Helpers.isRoot();
    settings = new WriteSettings(IdMapping.IDENTITY, !isRoot, false, 0);
  }

  @AfterEach
  void closeWriter() throws LayerStoreException {
    if (writer != null) {
      writer.close();
    }
    // Deeper than a path can name, so not for the JDK to delete.
    calls.remove(home, "layer");
  }

  private DiffWriter writer() throws LayerStoreException {
    if (writer == null) {
      writer = calls.openWriter(home, "layer", settings, context);
    }
    return writer;
  }

  private static LayerPath path(String text) {
    return LayerPath.of(text);
  }

  private static Attributes mode(int mode) {
    return Attributes.of(mode, TIME);
  }

  private void file(String name, String content) throws IOException {
    file(name, mode(0644), content);
  }

  private void file(String name, Attributes attributes, String content) throws IOException {
    byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
    writer()
        .write(
            TreeEntry.file(path(name), attributes, bytes.length),
            FileContent.dense(new ByteArrayInputStream(bytes), bytes.length));
  }

  private void directory(String name) throws IOException {
    writer().write(TreeEntry.directory(path(name), mode(0755)), null);
  }

  private void symlink(String name, String text) throws IOException {
    writer().write(TreeEntry.symlink(path(name), mode(0777), ByteString.utf8(text)), null);
  }

  private void hardLink(String name, String target) throws IOException {
    writer().write(TreeEntry.hardLink(path(name), mode(0644), path(target)), null);
  }

  private void whiteout(String name) throws IOException {
    writer().write(TreeEntry.whiteout(path(name), mode(0)), null);
  }

  private long finish() throws LayerStoreException {
    return writer().finish(0);
  }

  private String read(String name) throws IOException {
    return Files.readString(diff.resolve(name));
  }

  /** The test's view of what was written. */
  private TreeNode node(String name) throws LayerStoreException {
    try (TreeScan scan = calls.openDiff(home, "layer")) {
      return scan.find(path(name), TreeScan.XattrChoice.ALL).orElseThrow();
    }
  }

  private List<String> names() throws LayerStoreException {
    List<String> names = new ArrayList<>();
    try (TreeScan scan = calls.openDiff(home, "layer");
        NodeReader nodes = scan.scan(LayerPath.ROOT, false, TreeScan.XattrChoice.NONE)) {
      TreeNode node = nodes.next();
      while (node != null) {
        names.add(node.path().toString());
        node = nodes.next();
      }
    }
    return names;
  }

  private static Xattr xattr(String name, String value) {
    return new Xattr(ByteString.utf8(name), ByteString.utf8(value));
  }

  private static void assertHasXattr(TreeNode node, String name, String value) {
    assertTrue(node.xattrs().contains(xattr(name, value)), () -> String.valueOf(node.xattrs()));
  }

  @Nested
  class WriteFile {

    @Test
    void write_file_hasContentModeAndTime() throws IOException {
      file("a", mode(0640), "hello");
      finish();
      assertEquals("hello", read("a"));
      assertEquals(0640, node("a").mode());
      assertEquals(TIME, node("a").modified());
    }

    @Test
    void write_missingParents_makesThem0755() throws IOException {
      file("a/b/c", "x");
      finish();
      assertEquals(0755, node("a").mode());
      assertEquals(0755, node("a/b").mode());
    }

    @Test
    void write_severalBlocks_keepsEveryByte() throws IOException {
      byte[] bytes = new byte[3_000_001];
      new Random(1).nextBytes(bytes);
      writer()
          .write(
              TreeEntry.file(path("big"), mode(0644), bytes.length),
              FileContent.dense(new ByteArrayInputStream(bytes), bytes.length));
      assertEquals(bytes.length, finish());
      assertArrayEquals(bytes, Files.readAllBytes(diff.resolve("big")));
    }

    @Test
    void write_sparse_leavesHoles() throws IOException {
      long size = 1L << 40;
      byte[] bytes = "startend".getBytes(StandardCharsets.US_ASCII);
      writer()
          .write(
              TreeEntry.file(path("sparse"), mode(0644), size),
              new FileContent(
                  new ByteArrayInputStream(bytes),
                  List.of(new Extent(0, 5), new Extent(1L << 30, 3))));
      assertEquals(size, finish());
      try (FileChannel channel = FileChannel.open(diff.resolve("sparse"))) {
        ByteBuffer part = ByteBuffer.allocate(3);
        channel.read(part, 1L << 30);
        assertEquals("end", new String(part.array(), StandardCharsets.US_ASCII));
        assertEquals(size, channel.size());
      }
    }

    @Test
    void write_longerThanLinuxTakes_isUnsupported() throws IOException {
      LayerPath longName = path("d/" + "n".repeat(256) + "/f");
      LayerPath longPath = path("n".repeat(200) + ("/" + "n".repeat(200)).repeat(20));
      Xattr longValue = new Xattr(ByteString.utf8("user.x"), ByteString.of(new byte[65537]));
      Xattr longAttribute = new Xattr(ByteString.utf8("user." + "x".repeat(251)), ByteString.EMPTY);
      for (TreeEntry entry :
          List.of(
              TreeEntry.directory(longName, mode(0755)),
              TreeEntry.directory(longPath, mode(0755)),
              TreeEntry.hardLink(path("h"), mode(0644), longPath),
              TreeEntry.symlink(path("l"), mode(0777), ByteString.utf8("x".repeat(4096))),
              TreeEntry.directory(path("d"), mode(0755).withXattrs(List.of(longValue))),
              TreeEntry.directory(path("d"), mode(0755).withXattrs(List.of(longAttribute))))) {
        Refusals.assertRefused(Kind.UNSUPPORTED_ENTRY, () -> writer().write(entry, null));
      }
      file("still", "works");
      finish();
    }

    @Test
    void write_asLongAsLinuxTakes_works() throws IOException {
      String name = "n".repeat(255);
      symlink(name, "x".repeat(4095));
      file("d/".repeat(1000) + "f", "x");
      finish();
      assertEquals(4095, node(name).linkText().length());
    }

    @Test
    void write_contentTooShort_throwsWhatTheCallerDidWrong() {
      TreeEntry entry = TreeEntry.file(path("a"), mode(0644), 5);
      FileContent content = FileContent.dense(new ByteArrayInputStream(new byte[3]), 5);
      assertThrows(EOFException.class, () -> writer().write(entry, content));
    }

    @Test
    void write_overLimit_isFailureWithErrno() throws IOException {
      settings = new WriteSettings(settings.idMapping(), settings.ignoresOwners(), false, 1000);
      file("a", "x".repeat(1001));
      HelperFailureException e =
          assertThrows(HelperFailureException.class, ApplyHelperTest.this::finish);
      assertEquals(27, e.errno());
      assertEquals("write file", e.stage());
    }

    @Test
    void write_bytesThatAreNoText_areKeptInNames() throws IOException {
      ByteString name = ByteString.of(new byte[] {'c', 'a', 'f', (byte) 0xe9, '\n', (byte) 0xff});
      writer()
          .write(
              TreeEntry.file(LayerPath.of(name), mode(0644), 0),
              FileContent.dense(InputStream.nullInputStream(), 0));
      finish();
      assertEquals(List.of(name.toString()), names());
    }

    @Test
    void write_specialModes_areKeptAfterOwner() throws IOException {
      file("a", new Attributes(06755, 1, 2, TIME, TIME, List.of()), "x");
      finish();
      assertEquals(06755, node("a").mode());
    }

    @Test
    void write_root_keepsTheDriversAttributes() throws IOException {
      writer().write(TreeEntry.directory(LayerPath.ROOT, mode(0700)), null);
      finish();
      assertEquals(0755, node("").mode());
    }
  }

  @Nested
  class WriteOtherTypes {

    @Test
    void write_symlink_keepsTextAndTime() throws IOException {
      symlink("l", "../../etc//x/");
      finish();
      assertEquals(ByteString.utf8("../../etc//x/"), node("l").linkText());
      assertEquals(TIME, node("l").modified());
    }

    @Test
    void write_fifo_isNeverOpened() throws IOException {
      writer().write(TreeEntry.fifo(path("f"), mode(0600)), null);
      writer().write(TreeEntry.fifo(path("f"), mode(0606)), null);
      finish();
      assertEquals(EntryType.FIFO, node("f").type());
      assertEquals(0606, node("f").mode());
    }

    @Test
    void write_device_hasNumberAndMode() throws IOException {
      Helpers.assumeRoot();
      writer()
          .write(
              TreeEntry.device(
                  path("d"), EntryType.CHARACTER_DEVICE, mode(04666), new Device(10, 175)),
              null);
      writer()
          .write(
              TreeEntry.device(
                  path("b"), EntryType.BLOCK_DEVICE, mode(0600), new Device(259, 70000)),
              null);
      finish();
      assertEquals(new Device(10, 175), node("d").device());
      assertEquals(04666, node("d").mode());
      assertEquals(new Device(259, 70000), node("b").device());
    }

    @Test
    void write_deviceAsOrdinaryUser_warns() throws IOException {
      assumeTrue(!Helpers.isRoot(), "root can make devices");
      writer()
          .write(
              TreeEntry.device(path("d"), EntryType.CHARACTER_DEVICE, mode(0666), new Device(1, 3)),
              null);
      file("a", "x");
      finish();
      assertEquals(List.of("a"), names());
      assertEquals(List.of("warn d an ordinary user cannot make device nodes"), context.events);
    }

    @Test
    void write_whiteoutDevice_isRefused() throws IOException {
      writer()
          .write(
              TreeEntry.device(path("d"), EntryType.CHARACTER_DEVICE, mode(0), Device.WHITEOUT),
              null);
      Refusals.assertRefused(Kind.UNSUPPORTED_ENTRY, ApplyHelperTest.this::finish);
    }

    @Test
    void write_whiteoutDeviceAllowed_isMade() throws IOException {
      settings = new WriteSettings(settings.idMapping(), settings.ignoresOwners(), true, 0);
      writer()
          .write(
              TreeEntry.device(path("d"), EntryType.CHARACTER_DEVICE, mode(0), Device.WHITEOUT),
              null);
      finish();
      assertEquals(EntryType.WHITEOUT, node("d").type());
    }
  }

  @Nested
  class WriteHardLink {

    @Test
    void write_hardLink_isTheSameFile() throws IOException {
      file("d/a", "hello");
      hardLink("e/b", "d/a");
      assertEquals(5, finish());
      assertEquals(node("d/a").inode(), node("e/b").inode());
    }

    @Test
    void write_hardLinkToSymlink_isTheSymlink() throws IOException {
      symlink("s", "/canary");
      hardLink("h", "s");
      finish();
      assertEquals(ByteString.utf8("/canary"), node("h").linkText());
    }

    @Test
    void write_hardLinkToNothing_isMalformed() throws IOException {
      hardLink("h", "missing/file");
      Refusals.assertRefused(Kind.MALFORMED, ApplyHelperTest.this::finish);
      assertEquals(List.of(), names());
    }

    @Test
    void write_hardLinkToItself_isMalformed() throws IOException {
      file("h", "x");
      hardLink("h", "h");
      Refusals.assertRefused(Kind.MALFORMED, ApplyHelperTest.this::finish);
    }

    @Test
    void write_hardLinkToDirectory_isMalformed() throws IOException {
      directory("d");
      hardLink("h", "d");
      Refusals.assertRefused(Kind.MALFORMED, ApplyHelperTest.this::finish);
    }

    @Test
    void write_hardLinkThroughEscapingLink_isBreakout() throws IOException {
      symlink("out", "../..");
      hardLink("h", "out/canary");
      Refusals.assertRefused(Kind.BREAKOUT, ApplyHelperTest.this::finish);
    }

    @Test
    void write_hardLinkOfTargetDirectoryThatWasReplaced_findsTheNewOne() throws IOException {
      file("d/a", "old");
      hardLink("x", "d/a");
      symlink("d", "e");
      file("e/a", "new");
      hardLink("y", "d/a");
      finish();
      assertEquals("old", read("x"));
      assertEquals("new", read("y"));
    }
  }

  @Nested
  class Replace {

    @Test
    void write_fileOverFile_handsTheOldContentBack() throws IOException {
      file("a", "old content");
      file("a", "new");
      assertEquals(3, finish());
      assertEquals("new", read("a"));
      assertEquals(List.of("destroy a old content"), context.events);
    }

    @Test
    void write_fileOverLargeFile_handsEveryByteBack() throws IOException {
      file("a", "x".repeat(5_000_000));
      for (int i = 0; i < 2000; i++) {
        file("filler" + i, "x".repeat(1000));
      }
      file("a", "new");
      assertEquals(2_000_003, finish());
      assertEquals(List.of("destroy a 5000000"), context.events);
    }

    @Test
    void write_fileOverPopulatedDirectory_handsAllBack() throws IOException {
      file("d/e/a", "one");
      file("d/b", "two");
      symlink("d/l", "b");
      file("d", "new");
      assertEquals(3, finish());
      assertEquals("new", read("d"));
      context.events.sort(null);
      assertEquals(List.of("destroy d/b two", "destroy d/e/a one", "redirect d/l"), context.events);
    }

    @Test
    void write_directoryOverDirectory_keepsWhatIsInIt() throws IOException {
      file("d/a", "x");
      writer().write(TreeEntry.directory(path("d"), mode(01777)), null);
      finish();
      assertEquals("x", read("d/a"));
      assertEquals(01777, node("d").mode());
      assertEquals(List.of(), context.events);
    }

    @Test
    void write_directoryOverFile_replacesIt() throws IOException {
      file("d", "x");
      directory("d");
      assertEquals(0, finish());
      assertEquals(EntryType.DIRECTORY, node("d").type());
      assertEquals(List.of("destroy d x"), context.events);
    }

    @Test
    void write_linkOverLink_tellsAndReplaces() throws IOException {
      symlink("sh", "bash");
      symlink("sh", "dash");
      assertEquals(4, finish());
      assertEquals(ByteString.utf8("dash"), node("sh").linkText());
      assertEquals(List.of("redirect sh"), context.events);
    }

    @Test
    void write_overNameOfHardLink_keepsTheOtherName() throws IOException {
      file("a", "hello");
      hardLink("b", "a");
      file("a", "x");
      assertEquals(6, finish());
      assertEquals("hello", read("b"));
      assertEquals(List.of("destroy a hello"), context.events);
    }

    @Test
    void write_deepTreeOverByFile_isRemoved() throws IOException {
      StringBuilder deep = new StringBuilder("d");
      for (int i = 0; i < 900; i++) {
        deep.append("/d");
      }
      file(deep + "/f", "x");
      file("d", "new");
      assertEquals(3, finish());
      assertEquals(List.of("d"), names());
      assertEquals(1, context.events.size());
    }

    @Test
    void write_ownDirectoryReplacedThroughALink_looksTheWayUpAgain() throws IOException {
      // x/l leads to the root, so x/l/x is x itself, whose removal takes the link away that led
      // there.
      symlink("x/l", "..");
      file("x/l/x", "file");
      file("x/l/y", "no way any more");
      Refusals.assertRefused(Kind.MALFORMED, ApplyHelperTest.this::finish);
      assertEquals(List.of("x"), names());
    }
  }

  @Nested
  class Links {

    @Test
    void write_throughLink_staysInsideAndTells() throws IOException {
      directory("usr/bin");
      symlink("bin", "usr/bin");
      file("bin/x", "hello");
      finish();
      assertEquals("hello", read("usr/bin/x"));
      assertEquals(List.of("through bin/x to usr/bin/x 5"), context.events);
    }

    @Test
    void write_throughAbsoluteLink_landsBelowTheRoot() throws IOException {
      symlink("d", "/etc");
      file("d/canary", "hello");
      finish();
      assertEquals("hello", read("etc/canary"));
      assertEquals(List.of("through d/canary to etc/canary 5"), context.events);
    }

    @Test
    void write_throughAbsoluteLinkWithDots_stopsAtTheRoot() throws IOException {
      symlink("d", "/../../a/../etc");
      directory("a");
      file("d/x", "hello");
      finish();
      assertEquals("hello", read("etc/x"));
    }

    @Test
    void write_throughLinkInsideLink_resolvesBoth() throws IOException {
      symlink("a", "b/c");
      symlink("b", "/d/./e/");
      file("a/x", "hello");
      finish();
      assertEquals("hello", read("d/e/c/x"));
    }

    @Test
    void write_throughRelativeLinkBackToTheRoot_isInside() throws IOException {
      symlink("d/e/up", "../..");
      file("d/e/up/x", "hello");
      finish();
      assertEquals("hello", read("x"));
    }

    @ParameterizedTest
    @EnumSource(EntryType.class)
    void write_throughEscapingLink_isBreakoutForEveryType(EntryType type) throws IOException {
      Path canary = Files.writeString(home.resolve("canary"), "untouched");
      FileTime before = Files.getLastModifiedTime(home);
      symlink("d", "../..");
      LayerPath through = type == EntryType.OPAQUE ? path("d/layer") : path("d/canary");
      writer().write(entry(type, through), type == EntryType.FILE ? NO_CONTENT : null);
      Refusals.assertRefused(Kind.BREAKOUT, ApplyHelperTest.this::finish);
      assertEquals("untouched", Files.readString(canary));
      assertEquals(before, Files.getLastModifiedTime(home));
    }

    private TreeEntry entry(EntryType type, LayerPath path) {
      return switch (type) {
        case DIRECTORY -> TreeEntry.directory(path, mode(0755));
        case FILE -> TreeEntry.file(path, mode(0644), 0);
        case SYMLINK -> TreeEntry.symlink(path, mode(0777), ByteString.utf8("x"));
        case HARD_LINK -> TreeEntry.hardLink(path, mode(0644), LayerPath.of("d"));
        case CHARACTER_DEVICE, BLOCK_DEVICE ->
            TreeEntry.device(path, type, mode(0600), new Device(1, 3));
        case FIFO -> TreeEntry.fifo(path, mode(0600));
        case WHITEOUT -> TreeEntry.whiteout(path, mode(0));
        case OPAQUE -> TreeEntry.opaque(path, mode(0));
      };
    }

    @Test
    void write_throughChainThatEscapes_isBreakout() throws IOException {
      symlink("a", "b");
      symlink("b", "c/../../outside");
      directory("c");
      file("a/x", "x");
      Refusals.assertRefused(Kind.BREAKOUT, ApplyHelperTest.this::finish);
    }

    @Test
    void write_throughLinkThatReplacedDirectory_isBreakout() throws IOException {
      file("d/a", "x");
      symlink("d", "../outside");
      file("d/b", "x");
      Refusals.assertRefused(Kind.BREAKOUT, ApplyHelperTest.this::finish);
    }

    @Test
    void write_throughLoop_isMalformed() throws IOException {
      symlink("a", "b");
      symlink("b", "a");
      file("a/x", "x");
      Refusals.assertRefused(Kind.MALFORMED, ApplyHelperTest.this::finish);
    }

    @Test
    void write_throughFile_isMalformed() throws IOException {
      file("a", "x");
      file("a/b", "x");
      Refusals.assertRefused(Kind.MALFORMED, ApplyHelperTest.this::finish);
    }

    @Test
    void write_overLink_replacesItAndNotItsTarget() throws IOException {
      file("t", "target");
      symlink("l", "t");
      file("l", "new");
      finish();
      assertEquals("target", read("t"));
      assertEquals("new", read("l"));
    }

    @Test
    void write_attributesOfLink_doNotTouchTarget() throws IOException {
      file("t", mode(0600), "target");
      symlink("l", "t");
      hardLink("h", "l");
      finish();
      assertEquals(0600, node("t").mode());
    }

    @Test
    void write_pathLongerThanTheKernelTakes_isMalformedOrFailure() throws IOException {
      // 17 links of 247 bytes each: the real path has more than PATH_MAX bytes, though no name is
      // long.
      String name = "n".repeat(247);
      StringBuilder real = new StringBuilder();
      for (int i = 0; i < 17; i++) {
        directory("s" + i);
        symlink("s" + i + "/l", name + "/" + name);
        real.append("x");
      }
      symlink("start", ("" + name + "/").repeat(15) + "end");
      file("start/" + (name + "/").repeat(2) + "f", "x");
      assertThrows(LayerStoreException.class, ApplyHelperTest.this::finish);
    }
  }

  @Nested
  class Whiteouts {

    @Test
    void write_whiteout_isDevice() throws IOException {
      whiteout("d/gone");
      assertEquals(0, finish());
      TreeNode node = node("d/gone");
      assertEquals(EntryType.WHITEOUT, node.type());
      assertEquals(0, node.mode());
    }

    @Test
    void write_whiteoutAfterFile_fileSurvives() throws IOException {
      file("a", "x");
      whiteout("a");
      finish();
      assertEquals("x", read("a"));
      assertEquals(List.of(), context.events);
    }

    @Test
    void write_whiteoutBeforeFile_fileSurvives() throws IOException {
      whiteout("a");
      file("a", "x");
      finish();
      assertEquals("x", read("a"));
    }

    @Test
    void write_whiteoutAfterDirectory_hidesWhatIsBelowIt() throws IOException {
      file("d/a", "x");
      whiteout("d");
      finish();
      assertEquals("x", read("d/a"));
      assertTrue(node("d").isOpaque());
    }

    @Test
    void write_whiteoutBeforeDirectory_isNotOpaqueAsInDocker() throws IOException {
      whiteout("d");
      directory("d");
      finish();
      assertFalse(node("d").isOpaque());
    }

    @Test
    void write_whiteoutBeforeFileBelow_bothCount() throws IOException {
      whiteout("d");
      file("d/a", "x");
      finish();
      assertEquals("x", read("d/a"));
      assertTrue(node("d").isOpaque());
    }

    @Test
    void takeWhiteout_ofAWhiteout_removesItAndLeavesTheTimesOfItsDirectory() throws IOException {
      directory("d");
      whiteout("d/gone");
      finish();
      writer.close();
      writer = null;
      Instant before = node("d").modified();
      writer().takeWhiteout(path("d/gone"));
      finish();
      assertEquals(List.of("d"), names());
      assertEquals(before, node("d").modified());
    }

    @Test
    void takeWhiteout_ofAnythingElse_leavesIt() throws IOException {
      file("a", mode(0644), "content");
      writer().takeWhiteout(path("a"));
      finish();
      assertEquals(EntryType.FILE, node("a").type());
    }

    @Test
    void write_hardLinkToWhiteout_isRefused() throws IOException {
      whiteout("a");
      hardLink("b", "a");
      Refusals.assertRefused(Kind.MALFORMED, ApplyHelperTest.this::finish);
    }

    @Test
    void write_whiteoutTwice_isOne() throws IOException {
      whiteout("a");
      whiteout("a");
      finish();
      assertEquals(EntryType.WHITEOUT, node("a").type());
    }

    @Test
    void write_opaque_marksDirectoryAndMakesIt() throws IOException {
      writer().write(TreeEntry.opaque(path("a/b"), mode(0)), null);
      writer().write(TreeEntry.opaque(LayerPath.ROOT, mode(0)), null);
      finish();
      assertTrue(node("a/b").isOpaque());
      assertFalse(node("a").isOpaque());
      assertTrue(node("").isOpaque());
    }

    @Test
    void write_whiteoutAndOpaque_workInAMount() throws IOException {
      MountSettings mountSettings = Helpers.settings(calls, home);
      Helpers.makeLayer(home, "base", Helpers.link(2), false);
      Files.createDirectories(home.resolve("base/diff/d"));
      Files.writeString(home.resolve("base/diff/d/hidden"), "x");
      Files.writeString(home.resolve("base/diff/gone"), "x");
      Files.writeString(home.resolve("base/diff/kept"), "x");
      Files.createDirectory(home.resolve("layer/work"));
      file("d/new", "x");
      writer().write(TreeEntry.opaque(path("d"), mode(0)), null);
      whiteout("gone");
      finish();
      try (Mounts mounts = calls.openMounts(home, mountSettings)) {
        mounts.mount(OverlayMount.readWrite("layer", List.of(Helpers.link(2))));
        assertEquals(List.of("d", "kept"), Helpers.names(mounts.merged("layer")));
        assertEquals(List.of("new"), Helpers.names(mounts.merged("layer").resolve("d")));
      }
    }
  }

  @Nested
  class ExtendedAttributes {

    private void fileWith(String name, Xattr... xattrs) throws IOException {
      file(name, mode(0644).withXattrs(List.of(xattrs)), "x");
    }

    @Test
    void write_userXattr_isKeptOnFileAndDirectory() throws IOException {
      fileWith("a", xattr("user.x", "value"), xattr("user.empty", ""));
      writer()
          .write(
              TreeEntry.directory(
                  path("d"), mode(0755).withXattrs(List.of(xattr("user.y", "\n\0")))),
              null);
      finish();
      assertHasXattr(node("a"), "user.x", "value");
      assertHasXattr(node("a"), "user.empty", "");
      assertHasXattr(node("d"), "user.y", "\n\0");
      assertEquals(List.of(), context.events);
    }

    @Test
    void write_userXattrOnSymlink_warns() throws IOException {
      writer()
          .write(
              TreeEntry.symlink(
                  path("l"),
                  mode(0777).withXattrs(List.of(xattr("user.x", "v"))),
                  ByteString.utf8("t")),
              null);
      finish();
      assertEquals(1, context.events.size());
      assertTrue(
          context.events.get(0).startsWith("warn l extended attribute user.x cannot be set"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"opaque", "redirect", "metacopy", "whiteout", "origin", "protattr"})
    void write_overlaysOwn_hasNoEffectAndComesBack(String name) throws IOException {
      writer()
          .write(
              TreeEntry.directory(
                  path("d"), mode(0755).withXattrs(List.of(xattr("user.overlay." + name, "y")))),
              null);
      finish();
      TreeNode node = node("d");
      assertFalse(node.isOpaque() || node.isRedirected() || node.isMetacopy());
      assertHasXattr(node, "user.overlay." + name, "y");
    }

    @Test
    void write_trustedOverlay_hasNoEffectAndComesBack() throws IOException {
      Helpers.assumeRoot();
      writer()
          .write(
              TreeEntry.directory(
                  path("d"),
                  mode(0755)
                      .withXattrs(
                          List.of(
                              xattr("trusted.overlay.opaque", "y"),
                              xattr("trusted.overlay.redirect", "/secret"),
                              xattr("trusted.other", "z")))),
              null);
      finish();
      TreeNode node = node("d");
      assertFalse(node.isOpaque() || node.isRedirected());
      assertHasXattr(node, "trusted.overlay.opaque", "y");
      assertHasXattr(node, "trusted.overlay.redirect", "/secret");
      assertHasXattr(node, "trusted.other", "z");
    }

    @Test
    void write_accessControlListOfNfs_isDroppedWithWarning() throws IOException {
      fileWith("a", xattr("system.nfs4_acl", "v"), xattr("user.x", "v"));
      finish();
      assertEquals(1, context.events.size(), context.events::toString);
      assertTrue(context.events.get(0).startsWith("warn a extended attribute system.nfs4_acl"));
      assertEquals(List.of(xattr("user.x", "v")), node("a").xattrs());
    }

    @ParameterizedTest
    @ValueSource(strings = {"security.selinux", "security.ima", "security.evm"})
    void write_labelOrSignature_isSetOrWarned(String name) throws Exception {
      Tool getfattr = Tool.require("getfattr");
      // A digest as of IMA: of other forms it knows that they cannot be right.
      fileWith("a", xattr(name, "\4\4abc"), xattr("user.x", "v"));
      finish();
      boolean isSet =
          getfattr.attempt("-h", "-n", name, home.resolve("layer/diff/a")).status() == 0;
      List<String> events = context.events;
      assertEquals(isSet ? 0 : 1, events.size(), events::toString);
      assertTrue(isSet || events.get(0).startsWith("warn a extended attribute " + name));
      // The labels of this machine are on every file of some, so they are never shown.
      assertEquals(List.of(xattr("user.x", "v")), node("a").xattrs());
    }

    @Test
    void write_signature_isSetForRoot() throws Exception {
      Machine.requireRoot();
      Path probe = Files.createFile(home.resolve("probe"));
      assumeTrue(
          Tool.require("setfattr").attempt("-n", "security.ima", "-v", "0x0404", probe).status()
              == 0,
          "this kernel takes no signatures");
      fileWith("a", xattr("security.ima", "\4\4abc"));
      finish();
      Tool.require("getfattr").run("-h", "-n", "security.ima", home.resolve("layer/diff/a"));
      assertEquals(List.of(), context.events);
    }

    @Test
    void write_unknownNamespace_warns() throws IOException {
      fileWith("a", xattr("bogus.foo", "v"));
      finish();
      assertEquals(1, context.events.size(), context.events::toString);
    }

    @Test
    void write_capabilityWithSetuid_bothStay() throws IOException {
      byte[] value = new byte[20];
      value[0] = 1;
      value[3] = 2;
      value[4] = 0x20;
      Xattr capability = new Xattr(ByteString.utf8("security.capability"), ByteString.of(value));
      file("a", new Attributes(04755, 3, 4, TIME, TIME, List.of(capability)), "content");
      finish();
      assertEquals(List.of(capability), node("a").xattrs());
      assertEquals(04755, node("a").mode());
    }

    @Test
    void write_accessControlList_leavesTheMode() throws IOException {
      // Version 2; user::rw-, group::r--, mask::rwx, other::---
      byte[] acl = {
        2, 0, 0, 0, 1, 0, 6, 0, -1, -1, -1, -1, 4, 0, 4, 0, -1, -1, -1, -1, 16, 0, 7, 0, -1, -1, -1,
        -1, 32, 0, 0, 0, -1, -1, -1, -1
      };
      Xattr xattr = new Xattr(ByteString.utf8("system.posix_acl_access"), ByteString.of(acl));
      file("a", mode(0644).withXattrs(List.of(xattr)), "x");
      finish();
      assertEquals(0644, node("a").mode());
    }
  }

  @Nested
  class Times {

    @Test
    void finish_directories_haveTheirTimesThoughFilledLater() throws IOException {
      directory("d");
      directory("d/e");
      file("d/e/f", "x");
      finish();
      assertEquals(TIME, node("d").modified());
      assertEquals(TIME, node("d/e").modified());
    }

    @Test
    void finish_manyDirectories_haveTheirTimes() throws IOException {
      // More than is kept in memory.
      String name = "n".repeat(200);
      for (int i = 0; i < 1500; i++) {
        directory(name + i);
      }
      for (int i = 0; i < 1500; i += 500) {
        file(name + i + "/f", "x");
      }
      finish();
      for (int i = 0; i < 1500; i += 500) {
        assertEquals(TIME, node(name + i).modified());
      }
      assertEquals(1503, names().size());
    }

    @Test
    void finish_directoryReplacedByFile_leavesTheFile() throws IOException {
      Instant other = TIME.plusSeconds(5);
      directory("d");
      file("d", Attributes.of(0644, other), "x");
      finish();
      assertEquals(other, node("d").modified());
    }

    @Test
    void finish_directoryReplacedByLink_leavesTheTarget() throws IOException {
      Instant other = TIME.plusSeconds(5);
      directory("d/e");
      symlink("d", "t");
      writer().write(TreeEntry.directory(path("t/e"), Attributes.of(0755, other)), null);
      finish();
      assertEquals(other, node("t/e").modified());
    }
  }

  @Nested
  class Owners {

    @Test
    void write_owner_isSet() throws IOException {
      Helpers.assumeRoot();
      file("a", new Attributes(0644, 12, 3_000_000_000L, TIME, TIME, List.of()), "x");
      whiteout("w");
      finish();
      assertEquals(12, node("a").uid());
      assertEquals(3_000_000_000L, node("a").gid());
    }

    @Test
    void write_setgidParent_givesNoGroup() throws IOException {
      Helpers.assumeRoot();
      writer()
          .write(
              TreeEntry.directory(path("d"), new Attributes(02775, 0, 50, TIME, TIME, List.of())),
              null);
      file("d/a", "x");
      finish();
      assertEquals(0, node("d/a").gid());
      assertEquals(02775, node("d").mode());
    }

    @Test
    void write_mapped_isShifted() throws IOException {
      Helpers.assumeRoot();
      IdMapping mapping =
          new IdMapping(
              IdMapping.parseRanges("0:100000:65536"), IdMapping.parseRanges("0:200000:65536"));
      settings = new WriteSettings(mapping, false, false, 0);
      file("d/a", new Attributes(0644, 1000, 5, TIME, TIME, List.of()), "x");
      finish();
      assertEquals(101000, node("d/a").uid());
      assertEquals(200005, node("d/a").gid());
      assertEquals(100000, node("d").uid());
    }

    @Test
    void write_unmappable_namesTheId() throws IOException {
      settings =
          new WriteSettings(
              new IdMapping(IdMapping.parseRanges("0:0:10"), List.of()), false, false, 0);
      TreeEntry entry =
          TreeEntry.directory(path("d"), new Attributes(0755, 77, 0, TIME, TIME, List.of()));
      UnmappableIdException e =
          assertThrows(UnmappableIdException.class, () -> writer().write(entry, null));
      assertEquals(77, e.unmappedId());
    }
  }

  @Nested
  class End {

    @Test
    void finish_size_countsEachInodeOnceAndLinkTexts() throws IOException {
      file("a", "12345");
      hardLink("b", "a");
      symlink("l", "123");
      directory("d");
      whiteout("w");
      assertEquals(8, finish());
    }

    @Test
    void finish_nothing_isEmpty() throws IOException {
      assertEquals(0, finish());
      assertEquals(List.of(), names());
    }

    @Test
    void close_beforeFinish_endsTheHelper() throws IOException {
      file("a", "x");
      writer().close();
      assertThrows(IllegalStateException.class, ApplyHelperTest.this::finish);
    }

    @Test
    void write_interrupted_endsWithStatusSet() throws IOException {
      // Larger than all blocks and the pipe together, so that the writer has to wait.
      byte[] bytes = new byte[64 << 20];
      TreeEntry entry = TreeEntry.file(path("a"), mode(0644), bytes.length);
      FileContent content = FileContent.dense(new ByteArrayInputStream(bytes), bytes.length);
      writer();
      Thread.currentThread().interrupt();
      assertThrows(OperationInterruptedException.class, () -> writer().write(entry, content));
      assertTrue(Thread.interrupted());
    }

    @Test
    void write_contextThrows_isPassedOn() throws IOException {
      context.failure = new IOException("disk full");
      file("a", "old");
      file("a", "new");
      LayerStoreException e = assertThrows(LayerStoreException.class, ApplyHelperTest.this::finish);
      assertEquals("disk full", e.getCause().getMessage());
    }

    @Test
    void openWriter_missingLayer_isFailure() {
      HelperFailureException e =
          assertThrows(
              HelperFailureException.class,
              () -> calls.openWriter(home, "missing", settings, context));
      assertEquals(Errno.ENOENT, e.errno());
    }

    @Test
    void openWriter_layerIsLink_isFailure() throws IOException {
      Files.createSymbolicLink(home.resolve("link"), Path.of("layer"));
      assertThrows(
          HelperFailureException.class, () -> calls.openWriter(home, "link", settings, context));
    }
  }
}
