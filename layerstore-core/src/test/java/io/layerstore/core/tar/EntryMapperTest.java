package io.layerstore.core.tar;

import static io.layerstore.testing.TarHeaderBlock.directory;
import static io.layerstore.testing.TarHeaderBlock.hardLink;
import static io.layerstore.testing.TarHeaderBlock.named;
import static io.layerstore.testing.TarHeaderBlock.symlink;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ArchiveException;
import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.Limits;
import io.layerstore.core.tar.MappedEntry.Kind;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.Xattr;
import io.layerstore.testing.Refusals;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@link EntryMapper} makes of entries, and what it refuses. */
final class EntryMapperTest {

  private static final EntryMapper STORING = new EntryMapper(Limits.DEFAULT, false);
  private static final EntryMapper EXECUTING = new EntryMapper(Limits.DEFAULT, true);

  private final TarBuilder tar = new TarBuilder();

  @Nested
  final class Names {

    @ParameterizedTest
    @CsvSource({
      "a, a",
      "/etc/x, etc/x",
      "//etc//x, etc/x",
      "./a, a",
      "a//b/./c, a/b/c",
      "a/../b, b",
      "a/b/../../c, c",
      "a/.., ''",
      ".../x, .../x",
      "..x/.y., ..x/.y.",
      "a/./b/../c, a/c"
    })
    void map_name_isCleaned(String name, String path) throws Exception {
      // Directories, because one of them is the root.
      assertEquals(path, map(directory(name)).path().toString());
    }

    @ParameterizedTest
    @ValueSource(
        strings = {"../evil", "/../evil", "a/../../evil", "./..", "..", "a/b/../../../c/d", "/.."})
    void map_nameAboveTheRoot_isABreakout(String name) {
      for (char type : "0123456".toCharArray()) {
        assertRefused(ArchiveException.Kind.BREAKOUT, named(name).type(type).link("x"));
      }
    }

    @Test
    void map_paxNameAboveTheRoot_isABreakout() {
      tar.pax("path", "a/../../evil").file("harmless", "x");
      Refusals.assertRefused(ArchiveException.Kind.BREAKOUT, () -> mapAll(STORING, tar));
    }

    @Test
    void map_ustarPrefixAboveTheRoot_isABreakout() {
      assertRefused(ArchiveException.Kind.BREAKOUT, named("evil").prefix("../.."));
    }

    @ParameterizedTest
    @ValueSource(strings = {"../.wh.canary", "../.wh..wh..opq", "a/../../.wh.x"})
    void map_whiteoutAboveTheRoot_isABreakout(String name) {
      assertRefused(ArchiveException.Kind.BREAKOUT, named(name));
    }

    @ParameterizedTest
    @ValueSource(
        strings = {"caf\u00e9", "\u00ff\u00fe", "\u00ed\u00a0\u0080", "..\u00c0\u00afx", "a\nb"})
    void map_anyBytes_areKept(String name) throws Exception {
      byte[] bytes = name.getBytes(StandardCharsets.ISO_8859_1);
      assertEquals(ByteString.of(bytes), map(named(bytes)).path().bytes());
    }

    @Test
    void map_nul_isMalformed() {
      tar.pax("GNU.sparse.numblocks", "1", "GNU.sparse.map", "0,0", "GNU.sparse.name", "a\0b")
          .file("x", "");
      Refusals.assertRefused(ArchiveException.Kind.MALFORMED, () -> mapAll(STORING, tar));
    }

    @Test
    void map_name255_isTaken() throws Exception {
      assertEquals(255, map(longName("n".repeat(255))).path().name().length());
    }

    @Test
    void map_name256_exceedsTheLimit() {
      assertRefused(ArchiveException.Kind.LIMIT_EXCEEDED, longName("d/" + "n".repeat(256)));
    }

    @Test
    void map_whiteoutOfName255_isTaken() throws Exception {
      TreeEntry entry = map(longName("d/.wh." + "n".repeat(255))).tree();
      assertEquals(255, entry.path().name().length());
    }

    @Test
    void map_whiteoutOfName256_exceedsTheLimit() {
      assertRefused(ArchiveException.Kind.LIMIT_EXCEEDED, longName("d/.wh." + "n".repeat(256)));
    }

    @Test
    void map_nameOf259AboveAnother_exceedsTheLimit() {
      assertRefused(
          ArchiveException.Kind.LIMIT_EXCEEDED, longName(".wh." + "n".repeat(255) + "/d"));
    }

    @Test
    void map_name256ThatIsCleanedAway_isTaken() throws Exception {
      assertEquals("x", map(longName("n".repeat(256) + "/../x")).path().toString());
    }

    @Test
    void map_path4095_isTaken() throws Exception {
      assertEquals(4095, map(longName(path(4095))).path().bytes().length());
    }

    @Test
    void map_path4096_exceedsTheLimit() {
      var e = assertRefused(ArchiveException.Kind.LIMIT_EXCEEDED, longName(path(4096)));
      assertEquals(Optional.of("maxPathBytes"), e.limitName());
    }

    @Test
    void map_depth1024_isTaken() throws Exception {
      assertEquals(1024, map(longName("a/".repeat(1023) + "a")).path().depth());
    }

    @Test
    void map_depth1025_exceedsTheLimit() {
      var e =
          assertRefused(ArchiveException.Kind.LIMIT_EXCEEDED, longName("a/".repeat(1024) + "a"));
      assertEquals(Optional.of("maxPathDepth"), e.limitName());
    }

    @Test
    void map_longDetour_costsNoLimit() throws Exception {
      assertEquals("x", map(longName("a/../".repeat(10_000) + "x")).path().toString());
    }

    @Test
    void map_noLimits_stillRefusesNamesNoFileSystemTakes() {
      EntryMapper mapper = new EntryMapper(Limits.NONE, false);
      Refusals.assertRefused(
          ArchiveException.Kind.LIMIT_EXCEEDED,
          () -> mapper.map(header(longName("n".repeat(256)))));
    }

    private String path(int length) {
      return ("n".repeat(200) + "/").repeat(length / 201 + 1).substring(0, length - 1) + "x";
    }
  }

  @Nested
  final class Root {

    @ParameterizedTest
    @ValueSource(strings = {"./", ".", "/", "//", "a/..", "", "/./"})
    void map_directory_isSkipped(String name) throws Exception {
      MappedEntry mapped = map(directory(name));
      assertSame(Kind.SKIPPED, mapped.kind());
      assertNull(mapped.tree());
    }

    @Test
    void map_directoryWithAttributesNobodyCouldHave_isSkipped() throws Exception {
      assertSame(Kind.SKIPPED, map(directory("./").uid(1L << 40).modified(-5)).kind());
    }

    @ParameterizedTest
    @ValueSource(chars = {'0', '1', '2', '3', '4', '6'})
    void map_anythingElse_isABreakout(char type) {
      for (String name : List.of(".", "", "a/..", "././.")) {
        assertRefused(ArchiveException.Kind.BREAKOUT, named(name).type(type).link("x"));
      }
    }
  }

  @Nested
  final class Whiteouts {

    @ParameterizedTest
    @CsvSource({
      ".wh.gone, gone",
      "d/.wh.gone, d/gone",
      "/d//.wh.gone, d/gone",
      ".wh..x, .x",
      ".wh.wh., wh."
    })
    void map_prefix_isADeletion(String name, String deleted) throws Exception {
      for (EntryMapper mapper : List.of(STORING, EXECUTING)) {
        TreeEntry entry = mapper.map(header(named(name))).tree();
        assertEquals(EntryType.WHITEOUT + " " + deleted, entry.type() + " " + entry.path());
      }
    }

    @ParameterizedTest
    @CsvSource({".wh..wh..opq, ''", "d/.wh..wh..opq, d", "a/b/.wh..wh..opq, a/b"})
    void map_opaqueMarker_isOnItsDirectory(String name, String directory) throws Exception {
      for (EntryMapper mapper : List.of(STORING, EXECUTING)) {
        TreeEntry entry = mapper.map(header(named(name))).tree();
        assertEquals(EntryType.OPAQUE + " " + directory, entry.type() + " " + entry.path());
      }
    }

    @Test
    void map_whiteout_keepsTheAttributesOfItsHeader() throws Exception {
      Attributes attributes = map(named(".wh.x").mode(0600).uid(5).gid(6)).tree().attributes();
      assertEquals(
          "600 5 6",
          Integer.toOctalString(attributes.mode())
              + " "
              + attributes.uid()
              + " "
              + attributes.gid());
    }

    @ParameterizedTest
    @ValueSource(strings = {".wh.", "d/.wh.", ".wh..", ".wh...", "d/.wh..."})
    void map_nameOfNoFile_isMalformed(String name) {
      for (EntryMapper mapper : List.of(STORING, EXECUTING)) {
        var e =
            Refusals.assertRefused(
                ArchiveException.Kind.MALFORMED, () -> mapper.map(header(named(name))));
        assertTrue(e.getMessage().contains("invalid whiteout entry"), e.getMessage());
      }
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          ".wh./x",
          ".wh.x/y",
          "d/.wh.x/y/z",
          ".wh..wh..opq/x",
          "d/.wh..wh.plnk/x",
          "d/.wh.x/.wh.y"
        })
    void map_nameBelowAWhiteout_isMalformed(String name) {
      assertRefused(ArchiveException.Kind.MALFORMED, named(name));
    }

    @ParameterizedTest
    @ValueSource(chars = {'0', '1', '2', '3', '4', '5', '6'})
    void map_whiteoutOfAnyType_isADeletion(char type) throws Exception {
      TreeEntry entry = map(named("d/.wh.x").type(type)).tree();
      assertEquals("WHITEOUT d/x", entry.type() + " " + entry.path());
    }

    @Test
    void map_whiteoutWithPayload_dropsIt() throws Exception {
      MappedEntry mapped = mapAll(STORING, tar.file(".wh.x", "payload")).get(0);
      assertEquals(0, mapped.tree().sizeBytes());
      assertFalse(mapped.isPayloadKept());
    }

    @Test
    void map_whiteoutLinkedOutOfTheLayer_ignoresTheTarget() throws Exception {
      assertEquals(EntryType.WHITEOUT, map(hardLink(".wh.x", "../../etc/passwd")).tree().type());
    }

    @Test
    void map_whiteoutWithXattrs_dropsThem() throws Exception {
      tar.pax("SCHILY.xattr.user.x", "v").file(".wh.x", "");
      assertEquals(List.of(), mapAll(STORING, tar).get(0).tree().attributes().xattrs());
    }

    @ParameterizedTest
    @ValueSource(strings = {".wh", "x.wh.y", ".whx", "d/.wh"})
    void map_nameThatOnlyResemblesAWhiteout_isAFile(String name) throws Exception {
      assertSame(EntryType.FILE, map(named(name)).tree().type());
    }
  }

  /** Names at the root that begin with {@code .wh..wh.}. */
  @Nested
  final class Aufs {

    @ParameterizedTest
    @ValueSource(
        strings = {
          ".wh..wh.aufs",
          ".wh..wh.orph",
          ".wh..wh.orph/x",
          ".wh..wh.plnk",
          "/.wh..wh.x/y/z",
          ".wh..wh..opq/x"
        })
    void map_onADriverThatExecutes_isSkipped(String name) throws Exception {
      assertSame(Kind.SKIPPED, EXECUTING.map(header(directory(name))).kind());
    }

    @Test
    void map_fileOfTheLinkDirectory_isALinkSource() throws Exception {
      tar.file(named(".wh..wh.plnk/123.456").mode(0600).uid(7), "plnk");
      MappedEntry mapped = mapAll(EXECUTING, tar).get(0);
      assertSame(Kind.LINK_SOURCE, mapped.kind());
      assertEquals("123.456", mapped.linkSource().toString());
      assertEquals("4 600 7", describe(mapped.tree()));
      assertFalse(mapped.isPayloadKept());
    }

    @Test
    void map_linkToTheLinkDirectory_isACopy() throws Exception {
      MappedEntry mapped = EXECUTING.map(header(hardLink("d/hl", ".wh..wh.plnk/123.456")));
      assertSame(Kind.LINKED_COPY, mapped.kind());
      assertEquals("d/hl from 123.456", mapped.path() + " from " + mapped.linkSource());
      assertNull(mapped.tree());
    }

    @Test
    void map_linkDirectoryOnADriverThatStores_isLiteral() throws Exception {
      tar.file(".wh..wh.plnk/123.456", "plnk").hardLink("hl", ".wh..wh.plnk/123.456");
      List<MappedEntry> mapped = mapAll(STORING, tar);
      assertSame(EntryType.FILE, mapped.get(0).tree().type());
      assertTrue(mapped.get(0).isPayloadKept());
      assertEquals(".wh..wh.plnk/123.456", mapped.get(1).tree().linkTarget().toString());
    }

    @Test
    void map_aufsMarkerOnADriverThatStores_isADeletion() throws Exception {
      TreeEntry entry = map(named(".wh..wh.aufs")).tree();
      assertEquals("WHITEOUT .wh.aufs", entry.type() + " " + entry.path());
    }

    @Test
    void map_aufsNameBelowTheRoot_isADeletion() throws Exception {
      TreeEntry entry = EXECUTING.map(header(named("d/.wh..wh.aufs"))).tree();
      assertEquals("WHITEOUT d/.wh.aufs", entry.type() + " " + entry.path());
    }

    private String describe(TreeEntry entry) {
      return entry.sizeBytes()
          + " "
          + Integer.toOctalString(entry.attributes().mode())
          + " "
          + entry.attributes().uid();
    }
  }

  @Nested
  final class Links {

    @ParameterizedTest
    @CsvSource({"a.txt, a.txt", "/usr/bin/perlbug, usr/bin/perlbug", "./a//b, a/b", "x/../a, a"})
    void map_hardLinkTarget_isCleaned(String target, String path) throws Exception {
      assertEquals(path, map(hardLink("h", target)).tree().linkTarget().toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"../../canary", "/../x", "a/../../x", ".."})
    void map_hardLinkOutOfTheLayer_isABreakout(String target) {
      assertRefused(ArchiveException.Kind.BREAKOUT, hardLink("h", target));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "/", "./", "a/.."})
    void map_hardLinkToTheRoot_isMalformed(String target) {
      assertRefused(ArchiveException.Kind.MALFORMED, hardLink("h", target));
    }

    @Test
    void map_hardLinkToItself_isMalformed() {
      assertRefused(ArchiveException.Kind.MALFORMED, hardLink("d/h", "./d/../d/h"));
    }

    @Test
    void map_hardLinkTargetBeyondTheLimit_exceedsIt() {
      tar.gnuLink("t/".repeat(2500)).hardLink("h", "t");
      Refusals.assertRefused(ArchiveException.Kind.LIMIT_EXCEEDED, () -> mapAll(STORING, tar));
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "/etc/passwd",
          "../../../../../../etc/passwd",
          "a//b/",
          ".",
          "..",
          "caf\u00e9 \n"
        })
    void map_symlinkText_isKept(String text) throws Exception {
      assertEquals(ByteString.utf8(text), map(symlink("l", text)).tree().linkText());
    }

    @Test
    void map_symlinkWithoutText_isMalformed() {
      assertRefused(ArchiveException.Kind.MALFORMED, symlink("l", ""));
    }

    @Test
    void map_symlinkTextOf4095_isTaken() throws Exception {
      tar.gnuLink("t".repeat(4095)).symlink("l", "t");
      assertEquals(4095, mapAll(STORING, tar).get(0).tree().linkText().length());
    }

    @Test
    void map_symlinkTextOf4096_exceedsTheLimit() {
      tar.gnuLink("t".repeat(4096)).symlink("l", "t");
      Refusals.assertRefused(ArchiveException.Kind.LIMIT_EXCEEDED, () -> mapAll(STORING, tar));
    }

    @Test
    void map_linkNameOfAFile_isIgnored() throws Exception {
      assertNull(map(named("f").link("../../x")).tree().linkTarget());
    }
  }

  @Nested
  final class EntryAttributes {

    @ParameterizedTest
    @CsvSource({"0100644, 644", "0644, 644", "07777, 7777", "0120777, 777", "04755, 4755", "0, 0"})
    void map_mode_keepsTwelveBits(String mode, String kept) throws Exception {
      Attributes attributes = attributes(named("f").mode(Long.parseLong(mode, 8)));
      assertEquals(kept, Integer.toOctalString(attributes.mode()));
    }

    @Test
    void map_modeOfManyBits_keepsTwelve() throws Exception {
      assertEquals(04755, attributes(named("f").mode(1L << 32 | 04755)).mode());
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 65_534, 2_097_152, 0xffff_fffeL})
    void map_idThatLinuxHas_isKept(long id) throws Exception {
      Attributes attributes = attributes(named("f").uid(id).gid(id));
      assertEquals(id + ":" + id, attributes.uid() + ":" + attributes.gid());
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, 0xffff_ffffL, 1L << 32, Long.MAX_VALUE})
    void map_idThatLinuxDoesNotHave_isMalformed(long id) {
      assertRefused(ArchiveException.Kind.MALFORMED, named("f").uid(id));
      assertRefused(ArchiveException.Kind.MALFORMED, named("f").gid(id));
      assertRefused(ArchiveException.Kind.MALFORMED, named(".wh.f").gid(id));
    }

    @ParameterizedTest
    @CsvSource({"4, 64", "0, 0", "4095, 1048575"})
    void map_deviceNumbers_areKept(long major, long minor) throws Exception {
      TreeEntry entry = map(named("d").type('3').device(major, minor)).tree();
      assertEquals(new Device(major, minor), entry.device());
      assertSame(EntryType.CHARACTER_DEVICE, entry.type());
    }

    @ParameterizedTest
    @CsvSource({"4096, 0", "0, 1048576", "-1, 0", "0, -1", "4294967296, 0"})
    void map_deviceNumberThatWouldBecomeAnother_isMalformed(long major, long minor) {
      assertRefused(ArchiveException.Kind.MALFORMED, named("d").type('4').device(major, minor));
    }

    @Test
    void map_deviceNumberOfAFile_isIgnored() throws Exception {
      assertNull(map(named("f").device(-1, 1L << 40)).tree().device());
    }

    @ParameterizedTest
    @CsvSource({
      "0, 1970-01-01T00:00:00Z",
      "1600000000.123456789, 2020-09-13T12:26:40.123456789Z",
      "9223372036.854775807, 2262-04-11T23:47:16.854775807Z",
      "9223372036.854775808, 1970-01-01T00:00:00Z",
      "-5, 1970-01-01T00:00:00Z",
      "-0.000000001, 1970-01-01T00:00:00Z",
      "99999999999999999, 1970-01-01T00:00:00Z"
    })
    void map_time_isKeptFrom1970To2262(String mtime, Instant kept) throws Exception {
      tar.pax("mtime", mtime).file("f", "");
      Attributes attributes = mapAll(STORING, tar).get(0).tree().attributes();
      assertEquals(kept, attributes.modified());
      assertEquals(kept, attributes.accessed());
    }

    @ParameterizedTest
    @CsvSource({"100, 200, 200", "200, 100, 200", "-5, 100, 100", "100, 9223372037, 100"})
    void map_accessTime_isTheLaterOne(String mtime, String atime, long accessed) throws Exception {
      tar.pax("mtime", mtime, "atime", atime).file("f", "");
      Attributes attributes = mapAll(STORING, tar).get(0).tree().attributes();
      assertEquals(accessed, attributes.accessed().getEpochSecond());
    }

    private Attributes attributes(TarHeaderBlock header) throws IOException {
      return map(header).tree().attributes();
    }
  }

  @Nested
  final class Xattrs {

    @ParameterizedTest
    @ValueSource(
        strings = {
          "user.x",
          "security.capability",
          "security.selinux",
          "trusted.overlay.opaque",
          "system.posix_acl_access",
          "bogus.foo"
        })
    void map_anyNamespace_isPassedOn(String name) throws Exception {
      assertEquals(List.of(new Xattr(ByteString.utf8(name), ByteString.utf8("v"))), map(name, "v"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a\nb", "a\0b"})
    void map_anyValue_isKept(String value) throws Exception {
      assertEquals(ByteString.utf8(value), map("user.x", value).get(0).value());
    }

    @ParameterizedTest
    @ValueSource(strings = {"nodot", ".nospace", ""})
    void map_nameWithoutNamespace_isLeftOut(String name) throws Exception {
      assertEquals(List.of(), map(name, "v"));
    }

    @Test
    void map_emptyCapability_isLeftOut() throws Exception {
      // Overlay cannot copy a file that has one up, so that nobody could change it.
      assertEquals(List.of(), map("security.capability", ""));
    }

    @Test
    void map_nameOf255_isTaken() throws Exception {
      assertEquals(1, map("user." + "x".repeat(250), "v").size());
    }

    @Test
    void map_nameOf256_exceedsTheLimit() {
      Refusals.assertRefused(
          ArchiveException.Kind.LIMIT_EXCEEDED, () -> map("user." + "x".repeat(251), "v"));
    }

    @Test
    void map_valueOf64KiB_isTaken() throws Exception {
      assertEquals(65_536, map("user.x", "v".repeat(65_536)).get(0).value().length());
    }

    @Test
    void map_valueAbove64KiB_exceedsTheLimit() {
      var e =
          Refusals.assertRefused(
              ArchiveException.Kind.LIMIT_EXCEEDED, () -> map("user.x", "v".repeat(65_537)));
      assertEquals(Optional.of("maxXattrBytes"), e.limitName());
    }

    @Test
    void map_128Xattrs_areTaken() throws Exception {
      assertEquals(128, mapMany(128).size());
    }

    @Test
    void map_10000Xattrs_exceedTheLimit() {
      var e = Refusals.assertRefused(ArchiveException.Kind.LIMIT_EXCEEDED, () -> mapMany(10_000));
      assertEquals(Optional.of("maxXattrs"), e.limitName());
    }

    private List<Xattr> map(String name, String value) throws IOException {
      return mapAll(STORING, new TarBuilder().pax("SCHILY.xattr." + name, value).file("f", ""))
          .get(0)
          .tree()
          .attributes()
          .xattrs();
    }

    private List<Xattr> mapMany(int count) throws IOException {
      String[] pairs = new String[2 * count];
      for (int i = 0; i < count; i++) {
        pairs[2 * i] = "SCHILY.xattr.user.x" + i;
        pairs[2 * i + 1] = "v";
      }
      return mapAll(STORING, new TarBuilder().pax(pairs).file("f", ""))
          .get(0)
          .tree()
          .attributes()
          .xattrs();
    }
  }

  /** What the caller needs to know to restore the archive. */
  @Nested
  final class Payloads {

    @Test
    void map_file_keepsItsPayloadUnderItsName() throws Exception {
      MappedEntry mapped = mapAll(STORING, tar.file("./d//f", "content")).get(0);
      assertTrue(mapped.isPayloadKept());
      assertEquals(LayerPath.of("d/f"), mapped.path());
      assertEquals(7, mapped.tree().sizeBytes());
    }

    @Test
    void map_sparseFile_doesNotKeepItsPayload() throws Exception {
      tar.pax("GNU.sparse.size", "4096", "GNU.sparse.numblocks", "1", "GNU.sparse.map", "4088,8")
          .file("sp", "12345678");
      MappedEntry mapped = mapAll(STORING, tar).get(0);
      assertFalse(mapped.isPayloadKept());
      assertEquals(4096, mapped.tree().sizeBytes());
    }

    @Test
    void map_emptyFile_hasNone() throws Exception {
      assertFalse(map(named("f")).isPayloadKept());
    }

    @Test
    void map_globalHeader_isSkippedWhateverItsName() throws Exception {
      tar.paxGlobal("../../pax_global_header", "comment", "abc");
      assertSame(Kind.SKIPPED, mapAll(STORING, tar).get(0).kind());
    }

    @ParameterizedTest
    @EnumSource(
        value = TarHeader.Type.class,
        names = {"DIRECTORY", "SYMLINK", "HARD_LINK", "CHARACTER_DEVICE", "BLOCK_DEVICE", "FIFO"})
    void map_otherTypes_haveNone(TarHeader.Type type) throws Exception {
      char flag =
          switch (type) {
            case DIRECTORY -> '5';
            case SYMLINK -> '2';
            case HARD_LINK -> '1';
            case CHARACTER_DEVICE -> '3';
            case BLOCK_DEVICE -> '4';
            default -> '6';
          };
      MappedEntry mapped = map(named("x").type(flag).link("y"));
      assertFalse(mapped.isPayloadKept());
      assertEquals(type.name(), mapped.tree().type().name());
    }
  }

  @Test
  void map_refusal_namesTheEntryInPrintableForm() {
    tar.file("first", "").file("../a\u001b[31m", "");
    var e = Refusals.assertRefused(ArchiveException.Kind.BREAKOUT, () -> mapAll(STORING, tar));
    assertEquals(OptionalLong.of(1), e.entryIndex());
    assertEquals(Optional.of("../a\\x1b[31m"), e.entryName());
  }

  private static MappedEntry map(TarHeaderBlock header) throws IOException {
    return STORING.map(header(header));
  }

  /** What the reader makes of a header without payload. */
  private static TarHeader header(TarHeaderBlock header) throws IOException {
    return ParsedArchive.of(new TarBuilder().header(header).end().toBytes()).only();
  }

  private static TarHeader header(TarBuilder builder) throws IOException {
    return ParsedArchive.of(builder.toBytes()).only();
  }

  private static TarBuilder longName(String name) {
    return new TarBuilder().gnuName(name).header(named("n"));
  }

  private static MappedEntry map(TarBuilder builder) throws IOException {
    return STORING.map(header(builder));
  }

  private static List<MappedEntry> mapAll(EntryMapper mapper, TarBuilder tar) throws IOException {
    List<MappedEntry> mapped = new ArrayList<>();
    for (ParsedArchive.Entry entry : ParsedArchive.of(tar.toBytes()).entries()) {
      mapped.add(mapper.map(entry.header()));
    }
    return mapped;
  }

  private static ArchiveException assertRefused(ArchiveException.Kind kind, TarHeaderBlock header) {
    return Refusals.assertRefused(kind, () -> map(header));
  }

  private static ArchiveException assertRefused(ArchiveException.Kind kind, TarBuilder builder) {
    return Refusals.assertRefused(kind, () -> map(builder));
  }
}
