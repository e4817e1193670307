package io.layerstore.testing;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.ChainId;
import io.layerstore.ImageSource;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Limits;
import io.layerstore.Mount;
import io.layerstore.RegisterOptions;
import io.layerstore.StoreOptions;
import io.layerstore.ViewOptions;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.SequenceInputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Archives that want out, archives that lie, and archives that look odd and must be accepted.
 *
 * <p>After every test files and directories outside the layer are as they were, with their owners,
 * permissions and times, nothing is new outside, and the store takes a good layer. What registers
 * is the same as a file system, from the store, from the archive, and mounted.
 */
public abstract class HostileArchiveContract {

  private static final String CANARY = "untouched";

  /** Where archives that are looked at without a store are spooled. */
  private static final Path SPOOL =
      Jimfs.newFileSystem(Configuration.unix()).getPath("/work/spool");

  private Canary canary;
  private Path outside;
  private Path root;
  private LayerStore store;

  /** An empty directory that the store and the files outside it are made in. */
  protected abstract Path newDirectory() throws IOException;

  /** A store in {@code root} with the driver under test. */
  protected abstract StoreOptions.Builder builder(Path root);

  /**
   * Whether layers are unpacked on top of the files of those below. A driver that keeps only what a
   * layer changes unpacks where nothing of that is in sight, as Docker does: a link in the parent
   * leads nowhere then, whiteouts are kept as marks, and metadata of AUFS is nothing special.
   */
  protected abstract boolean unpacksOverParent();

  /** Whether a 0/0 character device can be kept as one, and not as the mark of a deletion. */
  protected boolean keepsDeviceZeroZero() {
    return unpacksOverParent();
  }

  /** How many random archives to try; each may cost a process. */
  protected int fuzzRounds() {
    return 400;
  }

  /** Whether mounts show owners, devices and times as the archive has them, to be compared with. */
  protected boolean comparesMounts() {
    return false;
  }

  /** Whether the kernel sets capabilities on files here, and judges their values. */
  protected abstract boolean setsCapabilities();

  @BeforeEach
  final void openStore() throws IOException {
    Path directory = newDirectory();
    canary = Canary.create(directory.resolve("outside"));
    outside = canary.directory();
    Files.writeString(directory.resolve("canary"), CANARY);
    root = directory.resolve("store");
    store = builder(root).open();
    // Directories that are made when they are first needed, and stay, are there from now on.
    store.release(register(AppendixA.TWO_BASE.bytes(), null));
  }

  @AfterEach
  final void outsideIsUntouchedAndStoreWorks() throws IOException {
    canary.assertUntouched();
    assertEquals(CANARY, Files.readString(outside.resolveSibling("canary")));
    assertEquals(List.of("canary", "outside", "store"), names(root.getParent()));
    store.register(LayerSource.of(AppendixA.TWO_BASE.bytes()), RegisterOptions.DEFAULT).close();
    store.close();
  }

  private static List<String> names(Path directory) throws IOException {
    List<String> names = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      entries.forEach(entry -> names.add(entry.getFileName().toString()));
    }
    Collections.sort(names);
    return names;
  }

  /** Everything in the store, as sorted paths. */
  private List<String> contents() throws IOException {
    List<String> paths = new ArrayList<>();
    List<Path> pending = new ArrayList<>(List.of(root));
    while (!pending.isEmpty()) {
      Path directory = pending.remove(pending.size() - 1);
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
        for (Path entry : entries) {
          paths.add(root.relativize(entry).toString());
          if (Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
            pending.add(entry);
          }
        }
      }
    }
    Collections.sort(paths);
    return paths;
  }

  /** Registers an archive; if it is accepted, it looks the same from everywhere. */
  private Layer register(byte[] tar, ChainId parent) throws IOException {
    Layer layer = store.register(new ByteArrayInputStream(tar), parent);
    try {
      assertLooksTheSame(layer);
      return layer;
    } catch (IOException | RuntimeException | Error e) {
      layer.close();
      throw e;
    }
  }

  private void assertLooksTheSame(Layer layer) throws IOException {
    SortedMap<String, String> shown;
    try (FileSystem files = layer.fileSystem()) {
      shown = ViewListing.of(files.getPath("/"));
    }
    assertEquals(listing(archives(layer)), shown, "from the archive and from the store");
    if (comparesMounts()) {
      try (Mount mount = layer.mount()) {
        ViewListing.assertSame(ViewListing.of(mount.path()), shown, "as mounted");
      }
    }
  }

  /** The archives of a layer and those below it, the lowest first. */
  private List<byte[]> archives(Layer layer) throws IOException {
    List<byte[]> archives = new ArrayList<>();
    if (layer.parent().isPresent()) {
      try (Layer parent = store.get(layer.parent().get())) {
        archives.addAll(archives(parent));
      }
    }
    try (InputStream tar = layer.tarStream()) {
      archives.add(tar.readAllBytes());
    }
    return archives;
  }

  private static SortedMap<String, String> listing(List<byte[]> archives) throws IOException {
    SampleImage image = SampleImage.of(archives.toArray(byte[][]::new));
    ViewOptions options = ViewOptions.builder().temporaryDirectory(SPOOL).build();
    try (FileSystem files =
        ImageSource.of(ImageFiles.docker(image, "a:1").toStream()).fileSystem(options)) {
      return ViewListing.of(files.getPath("/"));
    }
  }

  private LayerStoreException refused(byte[] tar) throws IOException {
    assertShownOrRefused(tar);
    List<String> before = contents();
    LayerStoreException e = assertThrows(LayerStoreException.class, () -> register(tar, null));
    assertFalse(e.getMessage().chars().anyMatch(c -> c < 0x20), "unescaped: " + e.getMessage());
    assertEquals(before, contents());
    return e;
  }

  /** What no driver takes can be looked at or is refused, too. */
  private static void assertShownOrRefused(byte[] tar) throws IOException {
    try {
      listing(List.of(tar));
    } catch (LayerStoreException e) {
      assertFalse(e.getMessage().isEmpty());
    }
  }

  private void refused(TarBuilder tar) throws IOException {
    refused(tar.end().toBytes());
  }

  private void refused(Kind kind, byte[] tar) throws IOException {
    ArchiveException e = assertInstanceOf(ArchiveException.class, refused(tar));
    assertEquals(kind, e.kind(), e.getMessage());
  }

  private void refused(Kind kind, TarBuilder tar) throws IOException {
    refused(kind, tar.end().toBytes());
  }

  private void accepted(byte[] tar) throws IOException {
    try (Layer layer = register(tar, null);
        InputStream exported = layer.tarStream()) {
      assertArrayEquals(tar, exported.readAllBytes());
    }
  }

  private void accepted(TarBuilder tar) throws IOException {
    accepted(tar.end().toBytes());
  }

  private static TarBuilder tar() {
    return new TarBuilder();
  }

  /** Every kind of entry at {@code name}, one archive each, after {@code before}. */
  private static List<byte[]> everyType(String name, TarBuilder... before) {
    List<byte[]> archives = new ArrayList<>();
    List<TarHeaderBlock> headers =
        List.of(
            TarHeaderBlock.named(name),
            TarHeaderBlock.directory(name),
            TarHeaderBlock.symlink(name, "x"),
            TarHeaderBlock.hardLink(name, "target"),
            TarHeaderBlock.named(name).type('3').device(5, 2),
            TarHeaderBlock.named(name).type('6'));
    for (TarHeaderBlock header : headers) {
      TarBuilder tar = tar().file("target", "t");
      for (TarBuilder prefix : before) {
        tar.raw(prefix.toBytes());
      }
      archives.add(tar.header(header).end().toBytes());
    }
    int slash = name.lastIndexOf('/') + 1;
    for (String whiteout : List.of(".wh." + name.substring(slash), ".wh..wh..opq")) {
      TarBuilder tar = tar();
      for (TarBuilder prefix : before) {
        tar.raw(prefix.toBytes());
      }
      archives.add(tar.file(name.substring(0, slash) + whiteout, "").end().toBytes());
    }
    return archives;
  }

  /** Paths and links that lead out. */
  @Nested
  class Breakout {

    @ParameterizedTest
    @ValueSource(strings = {"../evil", "a/../../evil", "/../evil", "../outside/evil"})
    void p1p2_nameAboveTheRoot_refusedForEveryType(String name) throws IOException {
      for (byte[] tar : everyType(name)) {
        refused(Kind.BREAKOUT, tar);
      }
    }

    @Test
    void p2_paxPathAndUstarPrefixAboveTheRoot_refused() throws IOException {
      refused(Kind.BREAKOUT, tar().pax("path", "a/../../evil").file("x", "1"));
      refused(Kind.BREAKOUT, tar().file(TarHeaderBlock.named("evil").prefix("../.."), "1"));
    }

    @Test
    void p3_throughRelativeLinkThatClimbsOut_refusedForEveryType() throws IOException {
      TarBuilder link = tar().symlink("d", "../../../outside");
      for (byte[] tar : everyType("d/evil", link)) {
        refused(Kind.BREAKOUT, tar);
      }
    }

    @Test
    void p4_throughAbsoluteLink_landsInsideTheRoot() throws IOException {
      byte[] tar = tar().symlink("d", "/etc").file("d/x", "1").end().toBytes();
      try (Layer layer = register(tar, null);
          Mount mount = layer.mount();
          InputStream exported = layer.tarStream()) {
        assertEquals("1", Files.readString(mount.path().resolve("etc/x")));
        assertArrayEquals(tar, exported.readAllBytes());
      }
    }

    @Test
    void p4_throughAbsoluteLink_everyTypeLandsInside() throws IOException {
      // What a link to the host's own directory would lead to is not touched either.
      TarBuilder link = tar().symlink("d", outside.toString());
      List<byte[]> archives = everyType("d/canary", link);
      for (int i = 0; i < archives.size(); i++) {
        byte[] tar = archives.get(i);
        try (Layer layer = register(tar, null);
            Mount mount = layer.mount();
            InputStream exported = layer.tarStream()) {
          if (i < 4) { // A file, a directory, a link, a hard link; not every user can make more.
            String inside = outside.toString().substring(1) + "/canary";
            assertTrue(
                Files.exists(mount.path().resolve(inside), LinkOption.NOFOLLOW_LINKS), inside);
          }
          assertArrayEquals(tar, exported.readAllBytes());
        }
      }
    }

    @Test
    void p5_throughChainOfLinks_refused() throws IOException {
      TarBuilder links = tar().symlink("a", "b").symlink("b", "../outside");
      for (byte[] tar : everyType("a/evil", links)) {
        refused(Kind.BREAKOUT, tar);
      }
    }

    @Test
    void p5_linkThatLeadsToItself_refused() throws IOException {
      refused(tar().symlink("a", "b").symlink("b", "a").file("a/x", "1"));
    }

    @Test
    void p6_hardLinkToOutside_refused() throws IOException {
      refused(Kind.BREAKOUT, tar().hardLink("h", "../../canary"));
      refused(Kind.BREAKOUT, tar().symlink("d", "../../../outside").hardLink("h", "d/canary"));
    }

    @Test
    void p7_hardLinkToLinkToOutside_linksTheLinkItself() throws IOException {
      String target = outside.resolve("canary").toString();
      byte[] tar =
          tar()
              .symlink("s", target)
              .header(TarHeaderBlock.hardLink("h", "s").mode(0777).modified(5))
              .end()
              .toBytes();
      try (Layer layer = register(tar, null);
          Mount mount = layer.mount();
          InputStream exported = layer.tarStream()) {
        assertEquals(target, Files.readSymbolicLink(mount.path().resolve("h")).toString());
        assertArrayEquals(tar, exported.readAllBytes());
      }
    }

    @ParameterizedTest
    @ValueSource(strings = {".", "./", "/", "a/.."})
    void p8_rootAsSomethingElse_refused(String name) throws IOException {
      refused(Kind.BREAKOUT, tar().symlink(name, "/"));
      refused(Kind.BREAKOUT, tar().header(TarHeaderBlock.named(name).type('6')));
    }

    @Test
    void p9_throughProcSelfRoot_staysInside() throws IOException {
      byte[] tar = tar().symlink("p", "/proc/self/root/tmp").file("p/evil", "1").end().toBytes();
      try (Layer layer = register(tar, null);
          Mount mount = layer.mount()) {
        assertEquals("1", Files.readString(mount.path().resolve("proc/self/root/tmp/evil")));
      }
    }

    @Test
    void p11_hardLinkWithoutTarget_refusedNotCopied() throws IOException {
      refused(tar().hardLink("h", "missing"));
      refused(tar().hardLink("h", "h"));
      refused(tar().directory("d/").hardLink("h", "d"));
      refused(tar().hardLink("h", "later").file("later", "1"));
    }

    @Test
    void p13_whiteoutThroughLinkToOutside_refused() throws IOException {
      refused(Kind.BREAKOUT, tar().symlink("d", "../../../outside").file("d/.wh.canary", ""));
      refused(Kind.BREAKOUT, tar().symlink("d", "../../../outside").file("d/.wh..wh..opq", ""));
    }

    @Test
    void p15_directoryReplacedByLinkToOutside_refused() throws IOException {
      refused(
          Kind.BREAKOUT,
          tar().directory("d/").file("d/a", "1").symlink("d", "../../../outside").file("d/b", "2"));
    }

    @Test
    void p17_otherThanADirectoryNamedLikeOne_isWhatItsTypeSays() throws IOException {
      byte[] tar = tar().file("t/", "1").symlink("l/", "t").hardLink("h/", "t/").end().toBytes();
      try (Layer layer = register(tar, null);
          Mount mount = layer.mount();
          InputStream exported = layer.tarStream()) {
        assertEquals("1", Files.readString(mount.path().resolve("t")));
        assertEquals("t", Files.readSymbolicLink(mount.path().resolve("l")).toString());
        assertEquals("1", Files.readString(mount.path().resolve("h")));
        assertArrayEquals(tar, exported.readAllBytes());
      }
    }

    @Test
    void p17_linkNamedLikeADirectory_isFollowedByLaterNames() throws IOException {
      byte[] tar = tar().directory("d/").symlink("l/", "d").file("l/x", "1").end().toBytes();
      try (Layer layer = register(tar, null);
          Mount mount = layer.mount()) {
        assertEquals("1", Files.readString(mount.path().resolve("d/x")));
      }
    }

    @ParameterizedTest
    @ValueSource(strings = {"a/.wh.x/", ".wh..wh..opq/"})
    void p17_whiteoutNamedLikeADirectory_accepted(String name) throws IOException {
      accepted(tar().directory("a/").header(TarHeaderBlock.named(name)));
    }

    @Test
    void p18_linkTargets_emptyNulTooLong_refused() throws IOException {
      refused(Kind.MALFORMED, tar().symlink("l", ""));
      refused(
          Kind.MALFORMED, tar().pax("linkpath", "a\0b").header(TarHeaderBlock.symlink("l", "x")));
      refused(
          Kind.LIMIT_EXCEEDED,
          tar().gnuLink("x".repeat(5000)).header(TarHeaderBlock.symlink("l", "x")));
    }

    @Test
    void p19_fileAndDirectoryOfOneName_replacedInside() throws IOException {
      accepted(tar().file("x", "1").directory("x/").file("x/y", "2"));
      accepted(tar().directory("d/").file("d/a", "1").file("d", "2"));
    }

    @Test
    void parentLayersLinkToOutside_childRefusedOrInsideItself() throws IOException {
      byte[] base = tar().symlink("d", "../../../outside").end().toBytes();
      byte[] top = tar().file("d/evil", "1").end().toBytes();
      try (Layer parent = register(base, null)) {
        if (unpacksOverParent()) {
          List<String> before = contents();
          Refusals.assertRefused(Kind.BREAKOUT, () -> register(top, parent.chainId()));
          assertEquals(before, contents());
          return;
        }
        try (Layer layer = register(top, parent.chainId());
            Mount mount = layer.mount()) {
          assertTrue(Files.isDirectory(mount.path().resolve("d"), LinkOption.NOFOLLOW_LINKS));
          assertEquals("1", Files.readString(mount.path().resolve("d/evil")));
        }
      }
    }
  }

  /** Names. */
  @Nested
  class Names {

    @Test
    void n1_bytesThatAreNoText_kept() throws IOException {
      TarBuilder tar = tar();
      for (byte[] name :
          List.of(
              "caf\u00e9".getBytes(ISO_8859_1),
              new byte[] {(byte) 0xff, (byte) 0xfe},
              new byte[] {(byte) 0xed, (byte) 0xa0, (byte) 0x80},
              new byte[] {'.', '.', (byte) 0xc0, (byte) 0xaf, 'x'},
              "new\nline".getBytes(UTF_8),
              "-rf".getBytes(UTF_8))) {
        tar.file(TarHeaderBlock.named(name), "x");
      }
      accepted(tar);
    }

    @Test
    void n3_nulInName_refusedInPax() throws IOException {
      refused(Kind.MALFORMED, tar().pax("path", "a\0b").file("x", "1"));
    }

    @Test
    void n4_tooLong_refusedByName() throws IOException {
      refused(Kind.LIMIT_EXCEEDED, tar().gnuName("x".repeat(256)).file("x", "1"));
      refused(Kind.LIMIT_EXCEEDED, tar().gnuName("x/".repeat(2048) + "x").file("x", "1"));
      refused(Kind.LIMIT_EXCEEDED, tar().gnuName("x".repeat(5001)).file("x", "1"));
      refused(Kind.LIMIT_EXCEEDED, tar().gnuName("x/".repeat(1024) + "x").file("x", "1"));
    }

    @Test
    void n5_namesThatDifferInCase_areTwoFiles() throws IOException {
      accepted(tar().file("Same", "1").file("same", "2"));
    }

    @Test
    void n7_oddForms_normalised() throws IOException {
      byte[] tar = tar().file("./a", "1").file("b//c/./d", "2").file("/e", "3").end().toBytes();
      try (Layer layer = register(tar, null);
          Mount mount = layer.mount()) {
        assertEquals("1", Files.readString(mount.path().resolve("a")));
        assertEquals("2", Files.readString(mount.path().resolve("b/c/d")));
        assertEquals("3", Files.readString(mount.path().resolve("e")));
      }
    }

    @Test
    void n8_onePathUnderSeveralNames_lastWinsAndExportIsExact() throws IOException {
      accepted(tar().file("same", "1").file("./same", "22").file("a/../same", "333"));
    }

    @Test
    void n9_deepTree_acceptedAndDeleted() throws IOException {
      byte[] tar = tar().gnuName("a/".repeat(1000) + "f").file("x", "1").end().toBytes();
      Layer layer = register(tar, null);
      assertEquals(1, store.release(layer).size());
    }
  }

  /** The syntax of tar. */
  @Nested
  class Syntax {

    @Test
    void t1_badChecksum_refused() throws IOException {
      refused(Kind.MALFORMED, tar().header(TarHeaderBlock.named("a").checksum("000000\0 ")));
      refused(Kind.MALFORMED, tar().header(TarHeaderBlock.named("a").checksum("zzzzzz\0 ")));
      refused(Kind.MALFORMED, tar().header(TarHeaderBlock.named("a").checksum("\0".repeat(8))));
    }

    @Test
    void t2_signedChecksum_accepted() throws IOException {
      accepted(
          tar().header(TarHeaderBlock.named("caf\u00e9".getBytes(ISO_8859_1)).signedChecksum()));
    }

    @Test
    void t3_sizes_negativeOrHuge_refused() throws IOException {
      refused(Kind.MALFORMED, tar().header(TarHeaderBlock.named("a").base256(124, 12, -1)));
      refused(
          Kind.LIMIT_EXCEEDED, tar().header(TarHeaderBlock.named("a").base256(124, 12, 1L << 62)));
    }

    @ParameterizedTest
    @ValueSource(chars = {'2', '3', '4', '6'})
    void t5_payloadOnHeaderOnlyTypes_refusedAndNotParsed(char type) throws IOException {
      byte[] inner = tar().file("smuggled", "1").toBytes();
      refused(
          Kind.MALFORMED,
          tar()
              .file("a", "1")
              .header(TarHeaderBlock.named("x").link("a").type(type).size(inner.length))
              .raw(inner));
    }

    @ParameterizedTest
    @ValueSource(chars = {'1', '5'})
    void t5_sizeThatAllReadersIgnore_accepted(char type) throws IOException {
      accepted(
          tar()
              .file("a", "1".repeat(700))
              .header(TarHeaderBlock.named("x").link("a").type(type).size(700))
              .file("b", "2"));
    }

    @Test
    void t7_globalHeaders_ignored() throws IOException {
      accepted(tar().paxGlobal("g", "path", "evil", "size", "5").file("a", "1"));
      accepted(tar().file("a", "1").paxGlobal("g", "mtime", "5"));
      accepted(tar().paxGlobal("g", "comment", "x"));
    }

    @Test
    void t9_chainOfExtensionHeaders_limited() throws IOException {
      TarBuilder tar = tar();
      for (int i = 0; i < 20_000; i++) {
        tar.pax("comment", "x");
      }
      refused(Kind.LIMIT_EXCEEDED, tar.file("a", "1"));
    }

    @ParameterizedTest
    @ValueSource(ints = {'7', '8', 'A', 'D', 'M', 'V', 'X', 0xff, ' '})
    void t11_unknownTypes_refusedAsByDocker(int type) throws IOException {
      refused(Kind.UNSUPPORTED_ENTRY, tar().header(TarHeaderBlock.named("a").type(type)));
    }

    @Test
    void t12_cutOff_refused() throws IOException {
      byte[] tar = tar().file("a", "x".repeat(1000)).toBytes();
      refused(Kind.MALFORMED, Arrays.copyOf(tar, 100));
      refused(Kind.MALFORMED, Arrays.copyOf(tar, 700));
      accepted(Arrays.copyOf(tar, 512 + 1000));
    }

    @Test
    void t14_tails_keptAndNotExtracted() throws IOException {
      byte[] second = tar().file("second", "2").end().toBytes();
      byte[] tar = tar().file("a", "1").end().raw(second).raw(new byte[1 << 20]).toBytes();
      try (Layer layer = register(tar, null);
          Mount mount = layer.mount();
          InputStream exported = layer.tarStream()) {
        assertEquals(List.of("a"), names(mount.path()));
        assertArrayEquals(tar, exported.readAllBytes());
      }
    }

    @Test
    void t17_noArchive_emptyAcceptedRestRefused() throws IOException {
      accepted(new byte[0]);
      refused(Kind.MALFORMED, new byte[63]);
      byte[] random = new byte[512];
      new Random(1).nextBytes(random);
      refused(Kind.MALFORMED, random);
    }
  }

  /** Attributes and whiteouts. */
  @Nested
  class AttributesAndWhiteouts {

    @Test
    void a1_attributesOfALink_doNotReachItsTarget() throws IOException {
      accepted(
          tar()
              .pax("SCHILY.xattr.user.x", "1")
              .header(
                  TarHeaderBlock.symlink("s", outside.resolve("canary").toString())
                      .mode(0777)
                      .uid(7)
                      .modified(5)));
    }

    @Test
    void a4_devices_neverOpened() throws IOException {
      accepted(
          tar()
              .header(TarHeaderBlock.named("dev/ptmx").type('3').device(5, 2))
              .header(TarHeaderBlock.named("dev/loop0").type('4').device(7, 0))
              .header(TarHeaderBlock.named("dev/agpgart").type('3').device(10, 175))
              .header(TarHeaderBlock.named("pipe").type('6')));
    }

    @Test
    void a5_idsOutOfRange_refused() throws IOException {
      refused(
          Kind.MALFORMED, tar().header(TarHeaderBlock.named("a").base256(108, 8, 0xffff_ffffL)));
      accepted(tar().header(TarHeaderBlock.named("a").base256(108, 8, 0xffff_fffeL)));
    }

    @Test
    void a6_xattrs_anyValueKeptOverLimitRefused() throws IOException {
      accepted(
          tar()
              .paxRecords(
                  TarBuilder.record(
                      "SCHILY.xattr.user.binary", new byte[] {1, 0, 0, 2, (byte) 0x80, '\n', 0}))
              .file("a", "1")
              .pax("SCHILY.xattr.user.empty", "")
              .file("b", "1"));
      refused(
          Kind.LIMIT_EXCEEDED,
          tar()
              .paxRecords(TarBuilder.record("SCHILY.xattr.user.x", new byte[(64 << 10) + 1]))
              .file("a", "1"));
      refused(
          Kind.LIMIT_EXCEEDED,
          tar().pax("SCHILY.xattr.user." + "n".repeat(300), "x").file("a", "1"));
      TarBuilder many = tar();
      List<String> records = new ArrayList<>();
      for (int i = 0; i < 10_000; i++) {
        records.addAll(List.of("SCHILY.xattr.user.n" + i, "x"));
      }
      refused(Kind.LIMIT_EXCEEDED, many.pax(records.toArray(String[]::new)).file("a", "1"));
    }

    @Test
    void a3_setuidAndCapability_bothThereAfterTheOwner() throws IOException {
      byte[] capability = {1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
      byte[] tar =
          tar()
              .paxRecords(TarBuilder.record("SCHILY.xattr.security.capability", capability))
              .file(TarHeaderBlock.named("ping").mode(04755).uid(5).gid(6), "1")
              .end()
              .toBytes();
      try (Layer layer = register(tar, null);
          Mount mount = layer.mount();
          InputStream exported = layer.tarStream()) {
        if (setsCapabilities()) {
          Path ping = mount.path().resolve("ping");
          assertEquals(04755, (int) Files.getAttribute(ping, "unix:mode") & 07777);
          assertEquals(5, Files.getAttribute(ping, "unix:uid"));
        }
        assertArrayEquals(tar, exported.readAllBytes());
      }
    }

    @Test
    void a3_capabilityThatIsNone_acceptedUnlessTheKernelRefusesIt() throws IOException {
      TarBuilder tar =
          tar().pax("SCHILY.xattr.security.capability", "not a capability").file("a", "1");
      if (setsCapabilities()) {
        // As by Docker, whose user gets the error of the kernel.
        refused(Kind.MALFORMED, tar);
      } else {
        accepted(tar);
      }
    }

    @Test
    void a7_overlayXattrs_acceptedAndExportedWithoutEffect() throws IOException {
      byte[] base =
          tar().file("secret/key", "1").file("d/shown", "2").file("f", "3").end().toBytes();
      TarBuilder tar = tar();
      for (String namespace : List.of("trusted", "user")) {
        String prefix = "SCHILY.xattr." + namespace + ".overlay.";
        tar.pax(prefix + "redirect", "/secret", prefix + "origin", "x")
            .directory("pub-" + namespace + "/")
            .pax(prefix + "opaque", "y", prefix + "protattr", "x")
            .directory("d/")
            .pax(prefix + "metacopy", "", prefix + "redirect", "/secret/key")
            .file("own-" + namespace, "own")
            .pax(prefix + "whiteout", "")
            .file("f", "");
      }
      byte[] top = tar.end().toBytes();
      try (Layer parent = register(base, null);
          Layer layer = register(top, parent.chainId());
          Mount mount = layer.mount();
          InputStream exported = layer.tarStream()) {
        for (String namespace : List.of("trusted", "user")) {
          assertEquals(List.of(), names(mount.path().resolve("pub-" + namespace)));
          assertEquals("own", Files.readString(mount.path().resolve("own-" + namespace)));
        }
        assertEquals(List.of("shown"), names(mount.path().resolve("d")));
        assertEquals("", Files.readString(mount.path().resolve("f")));
        assertArrayEquals(top, exported.readAllBytes());
      }
    }

    @Test
    void a8_deviceZeroZero_isNoDeletion() throws IOException {
      TarBuilder tar = tar().header(TarHeaderBlock.named("f").type('3').device(0, 0));
      if (keepsDeviceZeroZero()) {
        accepted(tar);
      } else {
        refused(Kind.UNSUPPORTED_ENTRY, tar);
      }
    }

    @Test
    void a6_xattrsWithoutANameSpace_exported() throws IOException {
      accepted(
          tar()
              .pax("SCHILY.xattr.foo", "bar", "SCHILY.xattr.user.x", "y")
              .file("a", "1")
              .pax("SCHILY.xattr.foo", "bar")
              .directory("d/")
              .pax("SCHILY.xattr.foo", "bar")
              .symlink("l", "a"));
    }

    @Test
    void a6_emptyCapability_exported() throws IOException {
      accepted(
          tar()
              .pax("SCHILY.xattr.security.capability", "")
              .file("a", "1")
              .pax("SCHILY.xattr.security.capability", "")
              .hardLink("b", "a"));
    }

    @Test
    void a9_labelsOfAnotherMachine_exported() throws IOException {
      accepted(
          tar()
              .pax("SCHILY.xattr.security.selinux", "system_u:object_r:etc_t:s0")
              .file("a", "1")
              .pax("SCHILY.xattr.system.nfs4_acl", "x", "SCHILY.xattr.security.ima", "x")
              .file("b", "1"));
    }

    @ParameterizedTest
    @ValueSource(strings = {".wh.", ".wh..", ".wh...", "d/.wh.", ".wh./x", "d/.wh.x/y"})
    void w1_whiteoutOfNothing_refused(String name) throws IOException {
      refused(Kind.MALFORMED, tar().directory("d/").file(name, ""));
    }

    @Test
    void w2_whiteoutOfWhatIsNotThere_accepted() throws IOException {
      accepted(tar().file(".wh.missing", "").file("no/such/.wh.dir", ""));
    }

    @Test
    void w2_whiteoutOfALargeDirectory_hidesAllOfIt() throws IOException {
      TarBuilder base = tar();
      for (int i = 0; i < 2_000; i++) {
        base.file("d/" + i, "");
      }
      byte[] top = tar().file(".wh.d", "").end().toBytes();
      try (Layer parent = register(base.end().toBytes(), null);
          Layer layer = register(top, parent.chainId());
          Mount mount = layer.mount();
          InputStream exported = layer.tarStream()) {
        assertEquals(List.of(), names(mount.path()));
        assertArrayEquals(top, exported.readAllBytes());
      }
    }

    @Test
    void w4_whiteoutsTypeAndPayload_ignoredAsByDocker() throws IOException {
      byte[] base = tar().file("a", "1").file("b", "1").file("c", "1").end().toBytes();
      byte[] top =
          tar().file(".wh.a", "payload").symlink(".wh.b", "x").directory(".wh.c").end().toBytes();
      try (Layer parent = register(base, null);
          Layer layer = register(top, parent.chainId());
          Mount mount = layer.mount();
          InputStream exported = layer.tarStream()) {
        assertEquals(List.of(), names(mount.path()));
        assertArrayEquals(top, exported.readAllBytes());
      }
    }

    @Test
    void w5_aufsMetadata_handledAsByDockerOnThisDriver() throws IOException {
      byte[] tar = AppendixA.PLNK.bytes();
      try (Layer layer = register(tar, null);
          Mount mount = layer.mount();
          InputStream exported = layer.tarStream()) {
        assertEquals(
            unpacksOverParent() ? List.of("hl") : List.of(".wh..wh.plnk", "hl"),
            names(mount.path()));
        assertEquals("plnk", Files.readString(mount.path().resolve("hl")));
        assertArrayEquals(tar, exported.readAllBytes());
      }
    }
  }

  /** What others shipped as regressions: odd, and found in real images. */
  @Nested
  class MustAccept {

    @Test
    void c1_absoluteHardLinkTarget() throws IOException {
      accepted(
          tar().file("usr/bin/perlbug", "1").hardLink("usr/bin/perlthanks", "/usr/bin/perlbug"));
    }

    @Test
    void c3_linkTargetWithMoreDotsThanDepth() throws IOException {
      accepted(tar().symlink("a/cacerts", "../../../../../etc/pki/cacerts"));
    }

    @Test
    void c4_entriesWithoutParents() throws IOException {
      accepted(
          tar().file("etc/dnf/x", "1").hardLink("usr/lib/y", "etc/dnf/x").directory("var/lib/z/"));
    }

    @Test
    void c7_rootEntriesInEveryLayer() throws IOException {
      byte[] tar = tar().directory("/").directory("./").file("a", "1").end().toBytes();
      try (Layer base = register(tar, null);
          Layer top = register(tar, base.chainId())) {
        assertEquals(base.diffId(), top.diffId());
      }
    }

    @Test
    void c8_linkedDirectoryOfTheParent_childWritesThroughOrOverIt() throws IOException {
      byte[] base = tar().directory("usr/bin/").symlink("bin", "usr/bin").end().toBytes();
      byte[] top = tar().file("bin/x", "1").end().toBytes();
      try (Layer parent = register(base, null);
          Layer layer = register(top, parent.chainId());
          Mount mount = layer.mount();
          InputStream exported = layer.tarStream()) {
        assertEquals("1", Files.readString(mount.path().resolve("bin/x")));
        assertEquals(unpacksOverParent(), Files.exists(mount.path().resolve("usr/bin/x")));
        assertEquals(unpacksOverParent(), Files.isSymbolicLink(mount.path().resolve("bin")));
        assertArrayEquals(top, exported.readAllBytes());
      }
    }

    @Test
    void c9_linkOverLink() throws IOException {
      accepted(tar().symlink("bin/sh", "bash").symlink("bin/sh", "dash"));
    }

    @Test
    void c11_thousandsOfGzipMembersFromASourceWithoutAvailable() throws IOException {
      byte[] tar = tar().file("a", "x".repeat(100_000)).end().toBytes();
      ByteArrayOutputStream members = new ByteArrayOutputStream();
      for (int from = 0; from < tar.length; from += 21) {
        try (GZIPOutputStream gzip = new GZIPOutputStream(members)) {
          gzip.write(tar, from, Math.min(21, tar.length - from));
        }
      }
      InputStream source =
          new ByteArrayInputStream(members.toByteArray()) {
            @Override
            public synchronized int available() {
              return 0;
            }
          };
      try (Layer layer = store.register(source, RegisterOptions.DEFAULT);
          InputStream exported = layer.tarStream()) {
        assertArrayEquals(tar, exported.readAllBytes());
      }
    }

    @Test
    void gzipFollowedBySomethingElse_acceptedIfTheArchiveHasItsEnd() throws IOException {
      byte[] tar = tar().file("a", "1").end().toBytes();
      byte[] compressed = concat(gzip(tar), "garbage".getBytes(UTF_8));
      try (Layer layer = register(compressed, null);
          InputStream exported = layer.tarStream()) {
        assertArrayEquals(tar, exported.readAllBytes());
      }
    }

    @Test
    void gzipFollowedBySomethingElse_refusedIfTheArchiveHasNoEnd() throws IOException {
      byte[] compressed = concat(gzip(tar().file("a", "1").toBytes()), "garbage".getBytes(UTF_8));
      refused(Kind.MALFORMED, compressed);
    }

    @Test
    void gzipWithADamagedMember_refusedAndNotTakenForItsEnd() throws IOException {
      byte[] first = gzip(tar().file("a", "1").toBytes());
      byte[] second = gzip(tar().file("b", "2").end().toBytes());
      second[0] ^= 1;
      refused(Kind.MALFORMED, concat(first, second));
    }

    private byte[] gzip(byte[] plain) throws IOException {
      ByteArrayOutputStream compressed = new ByteArrayOutputStream();
      try (GZIPOutputStream out = new GZIPOutputStream(compressed)) {
        out.write(plain);
      }
      return compressed.toByteArray();
    }

    private byte[] concat(byte[] first, byte[] second) {
      byte[] both = Arrays.copyOf(first, first.length + second.length);
      System.arraycopy(second, 0, both, first.length, second.length);
      return both;
    }

    @Test
    void c12_gitArchiveAndOldGoNames() throws IOException {
      accepted(tar().paxGlobal("pax_global_header", "comment", "0123abc").file("x/y", "1"));
      accepted(tar().file(TarHeaderBlock.named("name").gnu().prefix("some/dir"), "1"));
    }
  }

  /** Limits and load. */
  @Nested
  class LimitsAndLoad {

    @Test
    void l1_endlessZerosAfterTheEnd_limited() throws IOException {
      store.close();
      store = builder(root).limits(Limits.builder().maxUnpackedBytes(1 << 20).build()).open();
      List<String> before = contents();
      InputStream endless =
          new SequenceInputStream(
              tar().file("a", "1").end().toStream(),
              new InputStream() {
                @Override
                public int read() {
                  return 0;
                }

                @Override
                public int read(byte[] bytes, int offset, int length) {
                  Arrays.fill(bytes, offset, offset + length, (byte) 0);
                  return length;
                }
              });
      Refusals.assertRefused(
          Kind.LIMIT_EXCEEDED, () -> store.register(endless, RegisterOptions.DEFAULT));
      assertEquals(before, contents());
    }

    @Test
    void l2_hugeExtensionRecord_limited() throws IOException {
      refused(Kind.LIMIT_EXCEEDED, tar().gnuName("x".repeat((1 << 20) + 1)).file("a", "1"));
    }

    @Test
    void l7_holeBomb_limited() throws IOException {
      refused(
          Kind.LIMIT_EXCEEDED,
          tar()
              .pax(
                  "GNU.sparse.size",
                  Long.toString(1L << 62),
                  "GNU.sparse.numblocks",
                  "1",
                  "GNU.sparse.name",
                  "bomb",
                  "GNU.sparse.map",
                  "0,0")
              .file("bomb", ""));
    }

    @Test
    void l7_holeOf2GiB_costsNoMemory() throws IOException {
      TarBuilder tar =
          tar()
              .pax(
                  "GNU.sparse.size",
                  Long.toString(2L << 30),
                  "GNU.sparse.numblocks",
                  "1",
                  "GNU.sparse.name",
                  "holes",
                  "GNU.sparse.map",
                  "0,0")
              .file("holes", "");
      if (root.getFileSystem() == FileSystems.getDefault()) {
        accepted(tar);
      } else {
        refused(Kind.LIMIT_EXCEEDED, tar);
      }
    }

    @Test
    void l10_failureInTheMiddleOfAPipe_producerIsFree() throws Exception {
      PipedOutputStream producer = new PipedOutputStream();
      PipedInputStream source = new PipedInputStream(producer, 1 << 16);
      byte[] bad =
          tar()
              .file("a", "1")
              .file("b", "2")
              .header(TarHeaderBlock.named("c").type('Z'))
              .raw(new byte[1 << 20])
              .toBytes();
      Thread writing =
          new Thread(
              () -> {
                try (producer) {
                  producer.write(bad);
                } catch (IOException e) {
                  // The reader is gone, which is how it should end.
                }
              });
      writing.start();
      Refusals.assertRefused(
          Kind.UNSUPPORTED_ENTRY, () -> store.register(source, RegisterOptions.DEFAULT));
      source.close();
      writing.join(60_000);
      assertFalse(writing.isAlive());
    }
  }

  /** Anything at all: success or a typed error, and the store as it was after the error. */
  @Nested
  class Fuzz {

    private void tryRegister(byte[] tar) throws IOException {
      List<String> before = contents();
      try (Layer layer = register(tar, null);
          InputStream exported = layer.tarStream()) {
        assertArrayEquals(tar, exported.readAllBytes());
        store.release(store.get(layer.chainId()));
      } catch (LayerStoreException e) {
        assertInstanceOf(ArchiveException.class, e);
        assertEquals(before, contents());
        assertShownOrRefused(tar);
      }
    }

    @Test
    void randomBytes() throws IOException {
      Random random = new Random(7);
      for (int i = 0; i < fuzzRounds() / 2; i++) {
        byte[] bytes = new byte[random.nextInt(4096)];
        random.nextBytes(bytes);
        tryRegister(bytes);
      }
    }

    @Test
    void truncatedAtEveryBlock() throws IOException {
      byte[] tar =
          tar()
              .paxGlobal("g", "comment", "x")
              .pax("mtime", "1.5", "path", "long/name")
              .file("a", "x".repeat(1200))
              .gnuName("n".repeat(150))
              .file("n", "1")
              .directory("d/")
              .symlink("l", "d")
              .hardLink("h", "long/name")
              .end()
              .toBytes();
      for (int length = 0; length <= tar.length; length += 256) {
        tryRegister(Arrays.copyOf(tar, length));
      }
    }

    @Test
    void bitFlips() throws IOException {
      Random random = new Random(9);
      byte[] tar = AppendixA.TWO_TOP.bytes();
      for (int i = 0; i < fuzzRounds(); i++) {
        byte[] flipped = tar.clone();
        flipped[random.nextInt(flipped.length)] ^= (byte) (1 << random.nextInt(8));
        tryRegister(flipped);
      }
    }
  }
}
