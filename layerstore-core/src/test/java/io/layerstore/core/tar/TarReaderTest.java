package io.layerstore.core.tar;

import static io.layerstore.testing.TarBuilder.record;
import static io.layerstore.testing.TarBuilder.records;
import static io.layerstore.testing.TarHeaderBlock.named;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ArchiveException;
import io.layerstore.ByteString;
import io.layerstore.LimitExceededException;
import io.layerstore.Limits;
import io.layerstore.MalformedArchiveException;
import io.layerstore.UnsupportedEntryException;
import io.layerstore.core.tar.TarReader.RawBytes;
import io.layerstore.spi.FileContent.Extent;
import io.layerstore.spi.Xattr;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * How {@link TarReader} reads what parsers disagree on. Most of these archives are read differently
 * by at least one of Go, GNU tar and commons-compress; where nothing else is said, the expectation
 * is what Go does.
 */
final class TarReaderTest {

  private final TarBuilder tar = new TarBuilder();

  @Nested
  final class Checksum {

    @ParameterizedTest
    @ValueSource(
        strings = {
          "000000\0 ",
          "        ",
          "\0\0\0\0\0\0\0\0",
          "99999999",
          "-00001\0 ",
          "0x1234\0 "
        })
    void next_wrongChecksum_isMalformed(String checksum) {
      assertMalformed(tar.header(named("a").checksum(checksum)).end());
    }

    @Test
    void next_signedChecksum_isAccepted() throws Exception {
      assertListing("caf\u00e9", tar.header(named(latin1("caf\u00e9")).signedChecksum()).end());
    }

    @Test
    void next_oneBitFlipped_isMalformed() {
      byte[] bytes = tar.file("a", "x").end().toBytes();
      bytes[3] ^= 1;
      assertThrows(MalformedArchiveException.class, () -> ParsedArchive.of(bytes));
    }
  }

  /** Octal, base-256, and what writers get wrong in them. */
  @Nested
  final class Numbers {

    @ParameterizedTest
    @ValueSource(
        strings = {
          "00000000004\0",
          "000000000004",
          "          4 ",
          " 4\0         ",
          "4           ",
          "4\0\0\0\0\0\0\0\0\0\0\0",
          "\0" + "0000000004\0",
          "4\0" + "9999999999"
        })
    void next_octalWithPadding_isRead(String size) throws Exception {
      assertListing("a=data", tar.header(named("a").text(124, size)).padded("data").end());
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "00000000008\0",
          "0000000000x\0",
          "-0000000004\0",
          "+0000000004\0",
          "1 1         "
        })
    void next_notOctal_isMalformed(String size) {
      assertMalformed(tar.header(named("a").text(124, size)).padded("data").end());
    }

    @ParameterizedTest
    @ValueSource(ints = {100, 108, 116, 136, 329, 337})
    void next_garbageInAnyNumber_isMalformed(int offset) {
      assertMalformed(tar.header(named("a").text(offset, "abc")).end());
    }

    @Test
    void next_garbageInDeviceNumbersOfV7_isIgnored() throws Exception {
      assertListing("a", tar.header(named("a").v7().text(329, "abc")).end());
    }

    @Test
    void next_sizeInBase256_isRead() throws Exception {
      assertListing("a=data", tar.header(named("a").base256(124, 12, 4)).padded("data").end());
    }

    @Test
    void next_sizeNegative_isMalformed() {
      assertMalformed(tar.header(named("a").base256(124, 12, -1)).end());
    }

    @Test
    void next_sizeNegativeOnADirectory_isMalformed() {
      assertMalformed(tar.header(TarHeaderBlock.directory("a/").base256(124, 12, -1)).end());
    }

    @Test
    void next_sizeBeyond63Bits_isMalformed() {
      byte[] size = new byte[12];
      size[0] = (byte) 0x80;
      size[4] = (byte) 0x80;
      assertMalformed(tar.header(named("a").bytes(124, size)).end());
    }

    @Test
    void next_sizeBeyond64Bits_isMalformed() {
      byte[] size = new byte[12];
      size[0] = (byte) 0x81;
      assertMalformed(tar.header(named("a").bytes(124, size)).end());
    }

    @Test
    void next_sizeTwoToThe62_exceedsTheLimit() {
      var e = assertExceeds(tar.header(named("a").base256(124, 12, 1L << 62)).end());
      assertEquals("maxUnpackedBytes", e.limitName());
    }

    @Test
    void next_uidTwoToThe32_isKept() throws Exception {
      assertEquals(1L << 32, only(tar.header(named("a").uid(1L << 32)).end()).uid());
    }

    @Test
    void next_modeBeyond32Bits_isKept() throws Exception {
      long mode = 1L << 32 | 04755;
      assertEquals(mode, only(tar.header(named("a").mode(mode)).end()).mode());
    }

    @Test
    void next_timeBefore1970InBase256_isRead() throws Exception {
      Instant expected = Instant.ofEpochSecond(-5);
      assertEquals(expected, only(tar.header(named("a").modified(-5)).end()).modified());
    }

    @Test
    void next_timeBeyondAllYears_isTheLastInstant() throws Exception {
      long farFuture = Long.MAX_VALUE;
      assertEquals(Instant.MAX, only(tar.header(named("a").modified(farFuture)).end()).modified());
    }

    @Test
    void next_timeBeforeAllYears_isTheFirstInstant() throws Exception {
      assertEquals(
          Instant.MIN, only(tar.header(named("a").modified(Long.MIN_VALUE)).end()).modified());
    }

    @Test
    void next_deviceNumbers_areRead() throws Exception {
      TarHeader header = only(tar.header(named("a").type('3').device(4, 64)).end());
      assertEquals("4:64", header.devMajor() + ":" + header.devMinor());
    }
  }

  /** Where the name of an entry comes from. */
  @Nested
  final class Formats {

    @Test
    void next_v7_hasNoPrefix() throws Exception {
      assertListing("a", tar.header(named("a").v7().text(345, "prefix")).end());
    }

    @Test
    void next_ustar_putsThePrefixBefore() throws Exception {
      assertListing("p/a", tar.header(named("a").prefix("p")).end());
    }

    @Test
    void next_ustarFieldsFull_needNoNul() throws Exception {
      String name = "n".repeat(100);
      String prefix = "p".repeat(155);
      assertListing(prefix + "/" + name, tar.header(named(name).prefix(prefix)).end());
    }

    @Test
    void next_star_hasAShortPrefixAndAnAccessTime() throws Exception {
      TarHeader header = only(tar.header(named("a").star().prefix("p").number(476, 12, 77)).end());
      assertEquals("p/a", header.name().toString());
      assertEquals(Instant.ofEpochSecond(77), header.accessed());
    }

    @Test
    void next_gnu_hasNoPrefixButAnAccessTime() throws Exception {
      TarHeader header = only(tar.header(named("a").gnu().number(345, 12, 77)).end());
      assertEquals("a", header.name().toString());
      assertEquals(Instant.ofEpochSecond(77), header.accessed());
    }

    @Test
    void next_gnuOfOldGoWriter_takesTextForAPrefix() throws Exception {
      TarHeader header = only(tar.header(named("a").gnu().prefix("some/prefix")).end());
      assertEquals("some/prefix/a", header.name().toString());
      assertNull(header.accessed());
    }

    @Test
    void next_gnuWithGarbageThatIsNotAscii_hasNoPrefix() throws Exception {
      assertListing("a", tar.header(named("a").gnu().text(345, "x\u00e9")).end());
    }

    @Test
    void next_gnuWithGarbageAsRealSize_isReadIfNotSparse() throws Exception {
      assertListing("a", tar.header(named("a").gnu().text(483, "garbage")).end());
    }

    @Test
    void next_gnuMagicWithAnotherVersion_isV7() throws Exception {
      assertListing("a", tar.header(named("a").text(257, "ustar 00").prefix("p")).end());
    }

    @Test
    void next_noTypeAndASlash_isADirectory() throws Exception {
      TarHeader header = only(tar.header(named("d/").v7().type(0)).end());
      assertSame(TarHeader.Type.DIRECTORY, header.type());
    }

    @Test
    void next_noTypeAndNoSlash_isAFile() throws Exception {
      TarHeader header = only(tar.header(named("f").v7().type(0)).end());
      assertSame(TarHeader.Type.FILE, header.type());
    }

    @ParameterizedTest
    @CsvSource({
      "0, FILE",
      "1, HARD_LINK",
      "2, SYMLINK",
      "3, CHARACTER_DEVICE",
      "4, BLOCK_DEVICE",
      "5, DIRECTORY",
      "6, FIFO"
    })
    void next_eachType_isTold(char flag, TarHeader.Type type) throws Exception {
      assertSame(type, only(tar.header(named("a").type(flag)).end()).type());
    }

    @ParameterizedTest
    @ValueSource(ints = {'7', '8', 'A', 'D', 'M', 'N', 'V', 'X', 'Z', ' ', 0xff})
    void next_typeNoEngineUnpacks_isUnsupported(int flag) {
      tar.file(named("a").type(flag), "abc").end();
      var e = assertThrows(UnsupportedEntryException.class, () -> ParsedArchive.of(tar.toBytes()));
      assertTrue(e.getMessage().endsWith("unhandled tar header type " + flag), e.getMessage());
    }
  }

  /** Names are bytes, whatever they encode. */
  @Nested
  final class Names {

    @ParameterizedTest
    @ValueSource(
        strings = {
          "caf\u00e9",
          "\u00ff\u00fe",
          "\u00ed\u00a0\u0080",
          "..\u00c0\u00afx",
          "a\nb",
          " "
        })
    void next_anyBytes_areKept(String name) throws Exception {
      assertListing(name, tar.header(named(latin1(name))).end());
    }

    @ParameterizedTest
    @ValueSource(strings = {"/etc/x", "../x", "./a", "a//b/./c", ""})
    void next_uncleanNames_areLeftAsTheyAre(String name) throws Exception {
      assertListing(name, tar.header(named(name)).end());
    }

    @Test
    void next_paxPathThatIsNotUtf8_isKept() throws Exception {
      tar.paxRecords(record("path", latin1("caf\u00e9"))).file("a", "x").end();
      assertListing("caf\u00e9=x", tar);
    }

    @Test
    void next_nulInUstarName_cutsIt() throws Exception {
      assertListing("a", tar.header(named("a\0b")).end());
    }

    @Test
    void next_nulInGnuNames_cutsThem() throws Exception {
      tar.gnuLong('L', latin1("long\0rest")).gnuLong('K', latin1("target\0rest"));
      TarHeader header = only(tar.symlink("a", "b").end());
      assertEquals("long -> target", header.name() + " -> " + header.linkName());
    }

    @ParameterizedTest
    @ValueSource(strings = {"path", "linkpath", "uname", "gname"})
    void next_nulInPaxName_isMalformed(String key) {
      assertMalformed(tar.pax(key, "a\0b").file("a", "x").end());
    }

    @Test
    void next_nulInOtherPaxValue_isKept() throws Exception {
      TarHeader header = only(tar.pax("SCHILY.xattr.user.x", "a\0b").file("a", "x").end());
      assertEquals(
          List.of(new Xattr(ByteString.utf8("user.x"), ByteString.utf8("a\0b"))), header.xattrs());
    }

    @Test
    void next_emptyGnuName_leavesTheUstarName() throws Exception {
      assertListing(
          "a=x", tar.gnuLong('L', new byte[0]).gnuLong('L', new byte[3]).file("a", "x").end());
    }
  }

  /** Which of several statements about one entry counts. */
  @Nested
  final class Precedence {

    @Test
    void next_gnuNameAfterPaxPath_gnuCounts() throws Exception {
      assertListing("gnu=x", tar.pax("path", "pax").gnuName("gnu").file("a", "x").end());
    }

    @Test
    void next_gnuNameBeforePaxPath_gnuCounts() throws Exception {
      assertListing("gnu=x", tar.gnuName("gnu").pax("path", "pax").file("a", "x").end());
    }

    @Test
    void next_gnuLinkAndPaxLinkpath_gnuCounts() throws Exception {
      TarHeader header = only(tar.gnuLink("gnu").pax("linkpath", "pax").symlink("a", "b").end());
      assertEquals("gnu", header.linkName().toString());
    }

    @Test
    void next_twoPaxHeaders_theLastCountsAlone() throws Exception {
      TarHeader header =
          only(tar.pax("path", "one", "uid", "5").pax("gid", "6").file("a", "x").end());
      assertEquals("a 0 6", header.name() + " " + header.uid() + " " + header.gid());
    }

    @Test
    void next_twoGnuNames_theLastCounts() throws Exception {
      assertListing("two=x", tar.gnuName("one").gnuName("two").file("a", "x").end());
    }

    @Test
    void next_oneKeyTwice_theLastCounts() throws Exception {
      assertListing("two=x", tar.pax("path", "one", "path", "two").file("a", "x").end());
    }

    @Test
    void next_badValueReplacedByAGoodOne_isFine() throws Exception {
      assertListing("a=x", tar.pax("size", "nonsense", "size", "1").file("a", "x").end());
    }

    @Test
    void next_emptyPaxValue_leavesTheUstarField() throws Exception {
      tar.pax("path", "one", "path", "", "size", "", "uid", "", "mtime", "").file("a", "x").end();
      assertListing("a=x", tar);
    }

    @Test
    void next_paxValues_replaceUstarFields() throws Exception {
      tar.pax(
          "path",
          "p",
          "linkpath",
          "l",
          "uid",
          "1000000000",
          "gid",
          "7",
          "mtime",
          "1.5",
          "atime",
          "2");
      TarHeader header = only(tar.symlink("a", "b").end());
      assertEquals("p -> l", header.name() + " -> " + header.linkName());
      assertEquals("1000000000:7", header.uid() + ":" + header.gid());
      assertEquals(Instant.parse("1970-01-01T00:00:01.5Z"), header.modified());
      assertEquals(Instant.ofEpochSecond(2), header.accessed());
    }

    @Test
    void next_paxAfterTheEntry_doesNotLast() throws Exception {
      assertListing("p=x b=y", tar.pax("path", "p").file("a", "x").file("b", "y").end());
    }

    @Test
    void next_gnuNameAfterTheEntry_doesNotLast() throws Exception {
      assertListing("l=x b=y", tar.gnuName("l").file("a", "x").file("b", "y").end());
    }
  }

  /** The size decides where the next header is, so it is where attacks are. */
  @Nested
  final class Sizes {

    @Test
    void next_paxSize_replacesTheUstarSize() throws Exception {
      tar.pax("size", "1024")
          .header(named("a").size(0))
          .file("inner", "")
          .zeros(512)
          .file("b", "y")
          .end();
      ParsedArchive parsed = parse(tar);
      assertEquals(2, parsed.entries().size());
      assertEquals(1024, parsed.entries().get(0).payload().length());
      assertEquals("b=y", parsed.entries().get(1).toString());
    }

    @Test
    void next_paxSizeZeroOverAPayload_makesThePayloadHeaders() throws Exception {
      tar.pax("size", "0").header(named("a").size(512)).file("b", "y").end();
      assertListing("a b=y", tar);
    }

    @Test
    void next_paxSizeBeforeGnuName_countsForTheFileAlone() throws Exception {
      tar.pax("size", "3")
          .gnuName("long")
          .header(named("a").size(0))
          .padded("abc")
          .file("b", "y")
          .end();
      assertListing("long=abc b=y", tar);
    }

    @Test
    void next_paxSizeOverANegativeOne_isMalformed() {
      assertMalformed(tar.pax("size", "4").header(named("a").base256(124, 12, -1)).padded("data"));
    }

    @Test
    void next_paxSizeWithPlus_isRead() throws Exception {
      assertListing("a=data", tar.pax("size", "+4").header(named("a")).padded("data").end());
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          " 4",
          "4 ",
          "-1",
          "18446744073709551616",
          "9223372036854775808",
          "0x4",
          "4.0",
          "1_0"
        })
    void next_paxSizeNotANumber_isMalformed(String size) {
      assertMalformed(tar.pax("size", size).header(named("a")).padded("data").end());
    }

    @ParameterizedTest
    @ValueSource(chars = {'1', '2', '3', '4', '5', '6'})
    void next_payloadOnATypeWithoutOne_isMalformed(char type) {
      byte[] inner = new TarBuilder().file("smuggled", "x").toBytes();
      assertMalformed(tar.file(named("a").type(type), inner).file("b", "y").end());
    }

    @ParameterizedTest
    @ValueSource(chars = {'1', '2', '3', '4', '5', '6'})
    void next_paxPayloadOnATypeWithoutOne_isMalformed(char type) {
      assertMalformed(tar.pax("size", "512").header(named("a").type(type)).zeros(512).end());
    }

    @Test
    void next_v7DirectoryWithPayload_isMalformed() {
      assertMalformed(tar.file(named("d/").v7().type(0), new byte[512]).end());
    }

    @ParameterizedTest
    @ValueSource(chars = {'0', '1', '2', '3', '4', '6'})
    void next_slashAfterTheNameOfANonDirectory_isMalformed(char type) {
      assertMalformed(tar.header(named("x/").type(type)).end());
    }

    @Test
    void next_slashAfterThePaxNameOfAFile_isMalformed() {
      assertMalformed(tar.pax("path", "x/").file("x", "payload").end());
    }
  }

  @Nested
  final class Pax {

    @ParameterizedTest
    @MethodSource("io.layerstore.core.tar.TarReaderTest#brokenRecords")
    void next_brokenRecord_isMalformed(String records) {
      assertMalformed(tar.paxRecords(latin1(records)).file("a", "x").end());
    }

    @ParameterizedTest
    @MethodSource("io.layerstore.core.tar.TarReaderTest#brokenRecords")
    void next_brokenGlobalRecord_isMalformed(String records) {
      assertMalformed(tar.file(named("g").type('g'), latin1(records)).file("a", "x").end());
    }

    @Test
    void next_unusualLengths_areReadAsNumbers() throws Exception {
      assertListing("p=x", tar.paxRecords(latin1("+11 path=p\n")).file("a", "x").end());
      assertListing(
          "p=x", new TarBuilder().paxRecords(latin1("0012 path=p\n")).file("a", "x").end());
    }

    @Test
    void next_valueWithEqualsAndNewline_isOneValue() throws Exception {
      TarHeader header = only(tar.pax("SCHILY.xattr.user.x", "a=b\nc").file("a", "x").end());
      assertEquals("a=b\\x0ac", header.xattrs().get(0).value().toString());
    }

    @ParameterizedTest
    @CsvSource({
      "1, 1970-01-01T00:00:01Z",
      "1., 1970-01-01T00:00:01Z",
      "1.5, 1970-01-01T00:00:01.5Z",
      "1.123456789, 1970-01-01T00:00:01.123456789Z",
      "1.1234567899999, 1970-01-01T00:00:01.123456789Z",
      "-1.5, 1969-12-31T23:59:58.5Z",
      "-0.25, 1969-12-31T23:59:59.75Z",
      "+2, 1970-01-01T00:00:02Z",
      "99999999999999999, +1000000000-12-31T23:59:59.999999999Z",
      "-99999999999999999.5, -1000000000-01-01T00:00:00Z"
    })
    void next_times_areRead(String text, Instant time) throws Exception {
      assertEquals(time, only(tar.pax("mtime", text).file("a", "x").end()).modified());
    }

    @ParameterizedTest
    @ValueSource(
        strings = {"x", ".5", "1.x", "1.-5", "1e9", " 1", "1,5", "-", "9223372036854775808"})
    void next_timeNotANumber_isMalformed(String time) {
      assertMalformed(tar.pax("mtime", time).file("a", "x").end());
      assertMalformed(new TarBuilder().pax("ctime", time).file("a", "x").end());
    }

    @Test
    void next_binaryXattr_isKept() throws Exception {
      byte[] value = {1, 0, 0, 2, (byte) 0xff, (byte) 0x80, (byte) 0xc0, (byte) 0xfe, '\n', 0};
      tar.paxRecords(record("SCHILY.xattr.security.capability", value)).file("a", "x").end();
      assertEquals(
          List.of(new Xattr(ByteString.utf8("security.capability"), ByteString.of(value))),
          only(tar).xattrs());
    }

    @Test
    void next_emptyXattr_isKept() throws Exception {
      TarHeader header = only(tar.pax("SCHILY.xattr.user.e", "").file("a", "x").end());
      assertEquals(
          List.of(new Xattr(ByteString.utf8("user.e"), ByteString.EMPTY)), header.xattrs());
    }

    @Test
    void next_xattrTwice_theLastCounts() throws Exception {
      TarHeader header =
          only(
              tar.pax("SCHILY.xattr.user.x", "1", "SCHILY.xattr.user.x", "2").file("a", "x").end());
      assertEquals(
          List.of(new Xattr(ByteString.utf8("user.x"), ByteString.utf8("2"))), header.xattrs());
    }

    @Test
    void next_xattrsOfOtherVendors_areIgnored() throws Exception {
      tar.pax(
          "LIBARCHIVE.xattr.user.x",
          "dmFsdWU",
          "RHT.security.selinux",
          "ctx",
          "SCHILY.acl.access",
          "u::rw-");
      assertEquals(List.of(), only(tar.file("a", "x").end()).xattrs());
    }

    @Test
    void next_paxAsTheLastHeader_endsNormally() throws Exception {
      assertListing("a=x", tar.file("a", "x").pax("path", "p").end());
    }

    @Test
    void next_characterSetRecord_changesNothing() throws Exception {
      tar.paxRecords(record("path", latin1("caf\u00e9"))).end();
      byte[] body = concat(records("hdrcharset", "BINARY"), record("path", latin1("caf\u00e9")));
      assertListing("caf\u00e9=x", new TarBuilder().paxRecords(body).file("a", "x").end());
    }
  }

  static List<String> brokenRecords() {
    return List.of(
        "9 path=pp\n", // one short
        "11 path=p\n", // one long
        "10 path=pX", // no newline
        "10 path=p", // cut off
        "4294967306 path=p\n", // 2^32 + 10
        "-10 path=p\n",
        "99999999999999999999 path=p\n",
        " 10 path=p\n",
        "10\tpath=p\n",
        "path=p\n",
        "3 \n",
        "5 x \n",
        "6 x=x\n\n",
        "10 path p\n",
        "6 =val\n",
        "5 =v\n",
        "8 a\0b=v\n",
        "10 path=p\n\n",
        "10 path=p\n\0\0",
        "10 path=p\n5",
        "\0",
        "\n");
  }

  /** Global headers say nothing about any entry. */
  @Nested
  final class GlobalHeaders {

    @Test
    void next_globalHeader_isAnEntryOfItsOwn() throws Exception {
      tar.paxGlobal("pax_global_header", "comment", "abc").file("a", "x").end();
      ParsedArchive parsed = parse(tar);
      assertEquals("pax_global_header a=x", parsed.listing());
      assertTrue(parsed.entries().get(0).header().isGlobalHeader());
    }

    @Test
    void next_globalValues_areIgnored() throws Exception {
      tar.paxGlobal("g", "size", "512", "uid", "5", "mtime", "5", "SCHILY.xattr.user.x", "v");
      ParsedArchive parsed = parse(tar.file("a", "x").end());
      TarHeader header = parsed.entries().get(1).header();
      assertEquals("g a=x", parsed.listing());
      assertEquals(
          "0 1600000000 []",
          header.uid() + " " + header.modified().getEpochSecond() + " " + header.xattrs());
    }

    @Test
    void next_globalPath_namesTheHeaderItself() throws Exception {
      assertListing("evil a=x", tar.paxGlobal("g", "path", "evil").file("a", "x").end());
    }

    @Test
    void next_badGlobalValues_areIgnored() throws Exception {
      assertListing(
          "g a=x", tar.paxGlobal("g", "size", "nonsense", "mtime", "-").file("a", "x").end());
    }

    @Test
    void next_globalHeaderAlone_endsNormally() throws Exception {
      assertListing("g", tar.paxGlobal("g", "comment", "abc").end());
    }

    @Test
    void next_globalHeaderBetweenPaxAndFile_dropsThePax() throws Exception {
      tar.pax("path", "p").gnuName("l").paxGlobal("g", "comment", "abc").file("a", "x").end();
      assertListing("g a=x", tar);
    }
  }

  /** How archives end, or do not. */
  @Nested
  final class Ends {

    @Test
    void next_noBytes_isAnEmptyArchive() throws Exception {
      assertListing("", tar);
    }

    @Test
    void next_noEndMarker_ends() throws Exception {
      assertListing("a=x", tar.file("a", "x"));
    }

    @Test
    void next_halfAnEndMarker_ends() throws Exception {
      assertListing("a=x", tar.file("a", "x").zeros(512));
    }

    @Test
    void next_zeroBlockAndAnEntry_isMalformed() {
      assertMalformed(tar.file("a", "x").zeros(512).file("b", "y").end());
    }

    @Test
    void next_zeroBlockAndAPartialOne_isMalformed() {
      assertMalformed(tar.file("a", "x").zeros(512 + 100));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 63, 511, 513, 512 + 511})
    void next_lessThanABlock_isMalformed(int length) {
      byte[] bytes = tar.directory("d/").file("a", "x").end().toBytes();
      assertMalformed(new TarBuilder().raw(Arrays.copyOf(bytes, length)));
    }

    @Test
    void next_randomBlock_isMalformed() {
      assertMalformed(tar.repeat(0x5a, 512));
    }

    @Test
    void payload_cutOff_isMalformed() {
      tar.header(named("d/a.txt").size(5000)).repeat('x', 1000);
      var e = assertMalformed(tar);
      assertEquals("layer archive entry 0 \"d/a.txt\": unexpected EOF", e.getMessage());
    }

    @Test
    void next_cutOffInPaxData_isMalformed() {
      byte[] bytes = tar.pax("path", "p".repeat(600)).file("a", "x").end().toBytes();
      assertMalformed(new TarBuilder().raw(Arrays.copyOf(bytes, 1024)));
    }

    @ParameterizedTest
    @ValueSource(ints = {513, 600, 1023})
    void next_cutOffInPadding_ends(int length) throws Exception {
      byte[] bytes = tar.file("a", "x").end().toBytes();
      assertListing("a=x", new TarBuilder().raw(Arrays.copyOf(bytes, length)));
    }

    @Test
    void next_cutOffInPaddingOfPax_ends() throws Exception {
      byte[] bytes = tar.file("a", "x").pax("path", "p").end().toBytes();
      assertListing("a=x", new TarBuilder().raw(Arrays.copyOf(bytes, 1024 + 512 + 20)));
    }

    @Test
    void drainTail_textAfterTheEnd_isHandedOutAfterTheAnnouncement() throws Exception {
      ParsedArchive parsed = parse(tar.file("a", "x").end().repeat('G', 700));
      assertEquals(700, parsed.rawBytes().length() - parsed.tailAt());
    }

    @Test
    void drainTail_secondArchive_isNotRead() throws Exception {
      assertListing("a=x", tar.file("a", "x").end().file("b", "y").end());
    }

    @Test
    void drainTail_manyZeros_areHandedOut() throws Exception {
      ParsedArchive parsed = parse(tar.file("a", "x").end().zeros(1 << 20));
      assertEquals(1 << 20, parsed.rawBytes().length() - parsed.tailAt());
    }

    @Test
    void next_paddingThatIsNotZero_isHandedOutAsItIs() throws Exception {
      assertListing("a=x", tar.header(named("a").size(1)).raw(latin1("x")).repeat('#', 511).end());
    }

    @Test
    void next_endWithoutMarker_isAnnouncedToo() throws Exception {
      assertEquals(512 + 511, parse(tar.file("a", "x")).tailAt());
    }
  }

  @Nested
  final class SparseFiles {

    private static final List<Extent> EXTENTS = List.of(new Extent(0, 512), new Extent(4096, 512));

    @Test
    void next_oldGnu_givesExtentsAndStoredBytes() throws Exception {
      assertSparse(gnu(4608, 0, 512, 4096, 512).repeat('A', 512).repeat('B', 512));
    }

    @Test
    void next_oldGnuRealSizeInBase256_isRead() throws Exception {
      TarHeaderBlock header = gnuHeader(1024, 0, 512, 4096, 512).base256(483, 12, 4608);
      assertSparse(tar.header(header).repeat('A', 512).repeat('B', 512));
    }

    @Test
    void next_oldGnuWithExtensionBlocks_readsThemAll() throws Exception {
      // 4 runs in the header, 21 in the first extension block, 1 in the second.
      byte[] first = new byte[512];
      byte[] second = new byte[512];
      for (int i = 0; i < 21; i++) {
        octal(first, 24 * i, (4 + i) * 1024L);
        octal(first, 24 * i + 12, 1);
      }
      first[504] = 1;
      octal(second, 0, 25 * 1024L);
      octal(second, 12, 1);
      TarHeaderBlock header =
          gnuHeader(26, 0, 1, 1024, 1, 2048, 1, 3072, 1).number(483, 12, 30_000);
      tar.header(header.text(482, "\1"))
          .raw(first)
          .raw(second)
          .padded("abcdefghijklmnopqrstuvwxyz")
          .end();
      ParsedArchive parsed = parse(tar);
      assertEquals("sp=abcdefghijklmnopqrstuvwxyz", parsed.listing());
      assertEquals(26, parsed.only().extents().size());
      assertEquals(new Extent(25 * 1024L, 1), parsed.only().extents().get(25));
      assertEquals(30_000, parsed.only().size());
    }

    @Test
    void next_oldGnuOutsideGnuFormat_isMalformed() {
      assertMalformed(tar.header(named("sp").type('S')).end());
    }

    @Test
    void next_oldGnuExtensionCutOff_isMalformed() {
      assertMalformed(tar.header(gnuHeader(0, 0, 0).text(482, "\1")));
    }

    @Test
    void next_oldGnuExtensionWithoutEnd_exceedsTheLimit() {
      TarBuilder chain = tar.header(gnuHeader(0).text(482, "\1"));
      byte[] block = new byte[512];
      block[504] = 1;
      for (int i = 0; i < 2100; i++) {
        chain.raw(block);
      }
      assertEquals("maxHeaderBytes", assertExceeds(chain).limitName());
    }

    @Test
    void next_pax00_givesExtentsAndStoredBytes() throws Exception {
      byte[] records =
          records(
              "GNU.sparse.size", "4608",
              "GNU.sparse.numblocks", "2",
              "GNU.sparse.offset", "0",
              "GNU.sparse.numbytes", "512",
              "GNU.sparse.offset", "4096",
              "GNU.sparse.numbytes", "512");
      tar.paxRecords(records).header(named("sp").size(1024)).repeat('A', 512).repeat('B', 512);
      assertSparse(tar);
    }

    @Test
    void next_pax01_takesItsNameFromTheMap() throws Exception {
      tar.pax(
          "GNU.sparse.size", "4608",
          "GNU.sparse.numblocks", "2",
          "GNU.sparse.name", "sp",
          "GNU.sparse.map", "0,512,4096,512");
      assertSparse(
          tar.header(named("GNUSparseFile.0/x").size(1024)).repeat('A', 512).repeat('B', 512));
    }

    @Test
    void next_pax10_handsTheMapOutAsRaw() throws Exception {
      pax10("4608", 1536).padded("2\n0\n512\n4096\n512\n").repeat('A', 512).repeat('B', 512);
      assertSparse(tar);
      byte[] raw = parse(tar).rawBytes().toByteArray();
      assertEquals(
          "2\n0\n512\n4096\n512\n\0", new String(raw, 1536, 18, StandardCharsets.US_ASCII));
    }

    @Test
    void next_pax10MapThatFillsItsBlock_leavesTheDataWhereItIs() throws Exception {
      // One line is long because of its zeros, so that the map is 512 bytes and not a byte more.
      String map = "2\n0\n512\n4096\n";
      map += "0".repeat(512 - map.length() - "512\n".length()) + "512\n";
      pax10("4608", 1536).raw(latin1(map)).repeat('A', 512).repeat('B', 512);
      assertSparse(tar);
    }

    @Test
    void next_pax10MapOfSeveralBlocks_isRead() throws Exception {
      StringBuilder map = new StringBuilder("200\n");
      for (int i = 0; i < 200; i++) {
        map.append(i * 100).append("\n1\n");
      }
      byte[] mapBlocks = new TarBuilder().padded(map.toString()).toBytes();
      pax10("20000", mapBlocks.length + 200).raw(mapBlocks).padded("x".repeat(200)).end();
      ParsedArchive parsed = parse(tar);
      assertEquals("sp=" + "x".repeat(200), parsed.listing());
      assertEquals(200, parsed.only().extents().size());
    }

    @Test
    void next_pax10BeforeAnotherEntry_findsIt() throws Exception {
      pax10("10", 512 + 3).padded("1\n7\n3\n").padded("abc").file("b", "y").end();
      assertListing("sp=abc b=y", tar);
    }

    @Test
    void next_onlyAHole_hasNoExtents() throws Exception {
      pax10("1000000", 512).padded("1\n1000000\n0\n").end();
      TarHeader header = only(tar);
      assertEquals(List.of(), header.extents());
      assertEquals("1000000 0", header.size() + " " + header.storedSize());
      assertTrue(header.isSparse());
    }

    @Test
    void next_unknownSparseVersion_isAPlainFile() throws Exception {
      tar.pax("GNU.sparse.major", "2", "GNU.sparse.minor", "0", "GNU.sparse.map", "0,1")
          .file("a", "x")
          .end();
      assertNull(only(tar).extents());
    }

    @ParameterizedTest
    @CsvSource({
      "'0,512,256,512'", // overlap
      "'512,512,0,512'", // out of order
      "'0,512,4096,513'", // beyond the size
      "'0,512,4608,512'", // begins at the end
      "'0,512,4096,511'", // one stored byte too many
      "'0,512'", // fewer than announced
      "'0,512,4096,512,'", // more than announced
      "'0,512,4096,'", // an empty number
      "'-1,512,4096,512'",
      "'0,-512,4096,512'",
      "'9223372036854775807,512,4096,512'",
      "'a,512,4096,512'"
    })
    void next_badMap_isMalformed(String map) {
      tar.pax("GNU.sparse.size", "4608", "GNU.sparse.numblocks", "2", "GNU.sparse.map", map);
      assertMalformed(tar.header(named("sp").size(1024)).repeat('A', 512).repeat('B', 512).end());
    }

    @ParameterizedTest
    @ValueSource(
        strings = {"x\n", "-1\n", "9223372036854775807\n", "2\n0\n512\n4096\n", "", "1\n0\nx\n"})
    void next_badLines_areMalformed(String lines) {
      assertMalformed(pax10("4608", 512).padded(lines).file("b", "y").end());
    }

    @Test
    void next_negativeSize_isMalformed() {
      assertMalformed(pax10("-1", 512).padded("0\n").end());
    }

    @Test
    void next_runsOfPax00OutOfOrder_areMalformed() {
      byte[] records =
          records(
              "GNU.sparse.numblocks", "1", "GNU.sparse.numbytes", "1", "GNU.sparse.offset", "0");
      assertMalformed(tar.paxRecords(records).file("a", "x").end());
    }

    @Test
    void next_sparseDirectory_isMalformed() {
      tar.pax("GNU.sparse.numblocks", "0", "GNU.sparse.map", "0,0", "GNU.sparse.numblocks", "1");
      assertMalformed(tar.directory("d/").end());
    }

    @Test
    void next_holeOf4EiB_exceedsTheLimit() {
      var e = assertExceeds(pax10(Long.toString(1L << 62), 512).padded("0\n").end());
      assertEquals("maxUnpackedBytes", e.limitName());
    }

    @Test
    void next_mapLongerThanTheLimit_exceedsIt() {
      int mapBytes = (1 << 20) + 512;
      var e =
          assertExceeds(
              pax10("10", mapBytes)
                  .raw(latin1("500000\n"))
                  .raw("0\n".repeat(mapBytes / 2).getBytes(StandardCharsets.US_ASCII)));
      assertEquals("maxHeaderBytes", e.limitName());
    }

    private TarBuilder pax10(String realSize, int storedSize) {
      return tar.pax(
              "GNU.sparse.major", "1",
              "GNU.sparse.minor", "0",
              "GNU.sparse.name", "sp",
              "GNU.sparse.realsize", realSize)
          .header(named("GNUSparseFile.0/sp").size(storedSize));
    }

    private TarBuilder gnu(long realSize, long... runs) {
      return tar.header(gnuHeader(1024, runs).number(483, 12, realSize));
    }

    private TarHeaderBlock gnuHeader(long storedSize, long... runs) {
      TarHeaderBlock header = named("sp").type('S').gnu().size(storedSize);
      for (int i = 0; i < runs.length; i++) {
        header.number(386 + 12 * i, 12, runs[i]);
      }
      return header;
    }

    private void octal(byte[] block, int offset, long value) {
      byte[] digits = latin1(String.format("%011o", value));
      System.arraycopy(digits, 0, block, offset, digits.length);
    }

    private void assertSparse(TarBuilder archive) throws IOException {
      ParsedArchive parsed = parse(archive.end());
      assertEquals("sp=" + "A".repeat(512) + "B".repeat(512), parsed.listing());
      assertEquals(EXTENTS, parsed.only().extents());
      assertEquals("4608 1024", parsed.only().size() + " " + parsed.only().storedSize());
    }
  }

  @Nested
  final class Limiting {

    @Test
    void next_20000PaxHeaders_exceedTheLimit() {
      assertChain(new TarBuilder().pax("path", "p").toBytes());
    }

    @Test
    void next_20000GnuNames_exceedTheLimit() {
      assertChain(new TarBuilder().gnuName("l").toBytes());
    }

    @Test
    void next_20000GlobalHeaders_exceedTheLimit() {
      assertChain(new TarBuilder().paxGlobal("g", "comment", "c").toBytes());
    }

    @Test
    void next_1024ExtensionHeaders_areTaken() throws Exception {
      for (int i = 0; i < 1024; i++) {
        tar.pax("path", "p");
      }
      assertListing("p=x", tar.file("a", "x").end());
    }

    @Test
    void next_extensionsBetweenEntries_startAnew() throws Exception {
      for (int i = 0; i < 1500; i++) {
        tar.pax("path", "p").header(named("a"));
      }
      assertEquals(1500, parse(tar.end()).entries().size());
    }

    /** The stream makes the chain as it is read, so only the reader could keep it. */
    private void assertChain(byte[] link) {
      RepeatingStream chain = new RepeatingStream(link, 20_000);
      TarReader reader = new TarReader(chain, Limits.DEFAULT, new Ignored());
      var e =
          assertThrows(
              LimitExceededException.class,
              () -> {
                while (reader.next() != null) {}
              });
      assertEquals("extension headers in a row", e.limitName());
      assertTrue(
          chain.position < 1100L * link.length + 2 * ArchiveInput.BUFFER_BYTES,
          "read on to " + chain.position);
    }

    @ParameterizedTest
    @ValueSource(chars = {'x', 'g', 'L', 'K'})
    void next_extensionAboveTheLimit_isRefusedUnread(char type) {
      RepeatingStream zeros = new RepeatingStream(new byte[512], Long.MAX_VALUE / 1024);
      byte[] header = named("a").type(type).size(1L << 30).toBytes();
      InputStream in = new java.io.SequenceInputStream(new ByteArrayInputStream(header), zeros);
      TarReader reader = new TarReader(in, Limits.DEFAULT, new Ignored());
      var e = assertThrows(LimitExceededException.class, reader::next);
      assertEquals("maxHeaderBytes", e.limitName());
      assertEquals(0, zeros.position);
    }

    @Test
    void next_extensionOfExactlyTheLimit_isTaken() throws Exception {
      Limits limits = Limits.DEFAULT.withMaxHeaderBytes(121);
      tar.gnuName("n".repeat(120)).file("a", "x").end();
      assertEquals("n".repeat(120) + "=x", ParsedArchive.of(tar.toStream(), limits).listing());
    }

    @Test
    void next_extensionOneByteAboveTheLimit_exceedsIt() {
      Limits limits = Limits.DEFAULT.withMaxHeaderBytes(120);
      tar.gnuName("n".repeat(120)).file("a", "x").end();
      assertThrows(LimitExceededException.class, () -> ParsedArchive.of(tar.toStream(), limits));
    }

    @Test
    void next_moreEntriesThanAllowed_exceedTheLimit() throws Exception {
      tar.file("a", "x").file("b", "y").end();
      assertEquals(
          "a=x b=y", ParsedArchive.of(tar.toStream(), Limits.DEFAULT.withMaxEntries(2)).listing());
      var e =
          assertThrows(
              LimitExceededException.class,
              () -> ParsedArchive.of(tar.toStream(), Limits.DEFAULT.withMaxEntries(1)));
      assertEquals("maxEntries 1", e.limitName() + " " + e.entryIndex());
    }

    @Test
    void drainTail_tailAboveTheLimit_exceedsIt() throws Exception {
      byte[] archive = tar.file("a", "x").end().zeros(10_000).toBytes();
      Limits limits = Limits.DEFAULT.withMaxUnpackedBytes(archive.length - 1);
      assertThrows(
          LimitExceededException.class,
          () -> ParsedArchive.of(new ByteArrayInputStream(archive), limits));
      Limits enough = Limits.DEFAULT.withMaxUnpackedBytes(archive.length);
      assertEquals("a=x", ParsedArchive.of(new ByteArrayInputStream(archive), enough).listing());
    }

    @Test
    void next_sumOfLogicalSizesAboveTheLimit_exceedsIt() {
      for (int i = 0; i < 3; i++) {
        tar.pax("GNU.sparse.size", "400000", "GNU.sparse.numblocks", "1", "GNU.sparse.map", "0,0")
            .header(named("a" + i));
      }
      Limits limits = Limits.DEFAULT.withMaxUnpackedBytes(1_000_000);
      var e =
          assertThrows(
              LimitExceededException.class, () -> ParsedArchive.of(tar.end().toStream(), limits));
      assertEquals(2, e.entryIndex());
    }

    @Test
    void next_globalHeaderOf50000Keys_costsNothingLater() throws Exception {
      String[] pairs = new String[60_000];
      for (int i = 0; i < pairs.length; i += 2) {
        pairs[i] = "comment" + i;
        pairs[i + 1] = "v";
      }
      tar.paxGlobal("g", pairs);
      for (int i = 0; i < 2_000; i++) {
        tar.pax("path", "p" + i).file("a", "x");
      }
      assertEquals(2_001, parse(tar.end()).entries().size());
    }

    @Test
    void next_noLimits_takesAMegabyteName() throws Exception {
      String name = "n".repeat(3 << 20);
      tar.gnuName(name).header(named("a")).end();
      assertEquals(name, ParsedArchive.of(tar.toStream(), Limits.NONE).listing());
    }
  }

  /** The promises about use, sources and failures. */
  @Nested
  final class Use {

    @Test
    void next_payloadUnread_isIllegal() throws Exception {
      TarReader reader = reader(tar.file("a", "xyz").end().toStream());
      reader.next();
      reader.payload().read();
      assertThrows(IllegalStateException.class, reader::next);
      reader.payload().readAllBytes();
      assertNull(reader.next());
    }

    @Test
    void next_afterTheEnd_isNull() throws Exception {
      TarReader reader = reader(tar.end().toStream());
      assertNull(reader.next());
      assertNull(reader.next());
    }

    @Test
    void next_afterAFailure_isIllegal() {
      TarReader reader = reader(tar.repeat('x', 512).file("a", "x").end().toStream());
      assertThrows(MalformedArchiveException.class, reader::next);
      assertThrows(IllegalStateException.class, reader::next);
    }

    @Test
    void drainTail_beforeTheEnd_isIllegal() {
      TarReader reader = reader(tar.file("a", "x").end().toStream());
      assertThrows(IllegalStateException.class, reader::drainTail);
    }

    @Test
    void next_sourceFails_throwsWhatItThrew() {
      IOException broken = new IOException("broken pipe");
      InputStream in =
          new InputStream() {
            @Override
            public int read() throws IOException {
              throw broken;
            }

            @Override
            public int read(byte[] target, int offset, int length) throws IOException {
              throw broken;
            }
          };
      assertSame(broken, assertThrows(IOException.class, () -> reader(in).next()));
    }

    @Test
    void next_sourceThatGivesOneByteAtATime_isReadAlike() throws Exception {
      byte[] archive = everything().toBytes();
      ParsedArchive slow = ParsedArchive.of(new SlowStream(archive, 1), Limits.DEFAULT);
      assertEquals(ParsedArchive.of(archive), slow);
      assertEquals(ByteString.of(archive), slow.bytes());
    }

    @Test
    void next_sourceThatGivesNothingNowAndThen_isReadAlike() throws Exception {
      byte[] archive = everything().toBytes();
      assertEquals(
          ParsedArchive.of(archive), ParsedArchive.of(new SlowStream(archive, 0), Limits.DEFAULT));
    }

    @Test
    void next_headerIsThere_doesNotWaitForMore() throws Exception {
      byte[] start = tar.file("a", "x").toBytes();
      InputStream in =
          new ByteArrayInputStream(start) {
            @Override
            public synchronized int read(byte[] target, int offset, int length) {
              if (available() == 0) {
                throw new AssertionError("waits for bytes it does not need");
              }
              return super.read(target, offset, length);
            }
          };
      TarReader reader = reader(in);
      assertEquals("a", reader.next().name().toString());
      assertEquals("x", new String(reader.payload().readNBytes(1), StandardCharsets.US_ASCII));
    }

    @Test
    void payload_largeRead_goesStraightToTheTarget() throws Exception {
      byte[] content = new byte[1 << 20];
      byte[] archive = tar.file(named("big"), content).end().toBytes();
      int[] longest = {0};
      InputStream in =
          new ByteArrayInputStream(archive) {
            @Override
            public synchronized int read(byte[] target, int offset, int length) {
              longest[0] = Math.max(longest[0], length);
              return super.read(target, offset, length);
            }
          };
      TarReader reader = reader(in);
      reader.next();
      byte[] target = new byte[1 << 20];
      int count = reader.payload().readNBytes(target, 0, target.length);
      assertEquals(content.length, count);
      assertTrue(longest[0] > ArchiveInput.BUFFER_BYTES, "longest read: " + longest[0]);
    }

    @Test
    void payload_singleBytes_areUnsigned() throws Exception {
      TarReader reader = reader(tar.file(named("a"), new byte[] {(byte) 0xff, 0}).end().toStream());
      reader.next();
      assertEquals(0xff, reader.payload().read());
      assertEquals(0, reader.payload().read());
      assertEquals(-1, reader.payload().read());
    }

    @Test
    void next_failure_namesTheEntryInPrintableForm() {
      tar.file("first", "x").header(named("a\n\u001b[31m").size(5)).raw(latin1("x"));
      var e = assertMalformed(tar);
      assertEquals(1, e.entryIndex());
      assertEquals("a\\x0a\\x1b[31m", e.entryName());
    }

    private TarReader reader(InputStream in) {
      return new TarReader(in, Limits.DEFAULT, new Ignored());
    }
  }

  /** An archive with something of every kind. */
  static TarBuilder everything() {
    return new TarBuilder()
        .paxGlobal("pax_global_header", "comment", "abc")
        .directory("d/")
        .file("d/empty", "")
        .file("d/small", "hello\n")
        .file("d/blocks", "x".repeat(1536))
        .gnuName("n".repeat(300))
        .gnuLink("t".repeat(300))
        .symlink("l", "t")
        .pax("path", "p".repeat(1000), "mtime", "1.5", "SCHILY.xattr.user.x", "v")
        .file("p", "content")
        .hardLink("h", "d/small")
        .header(named("tty").type('3').device(4, 64))
        .header(named("fifo").type('6'))
        .header(named("old/").v7().type(0))
        .pax(
            "GNU.sparse.major",
            "1",
            "GNU.sparse.minor",
            "0",
            "GNU.sparse.name",
            "sp",
            "GNU.sparse.realsize",
            "4608")
        .header(named("GNUSparseFile.0/sp").size(1536))
        .padded("2\n0\n512\n4096\n512\n")
        .repeat('A', 512)
        .repeat('B', 512)
        .file("last", "z".repeat(700))
        .end()
        .repeat('G', 700);
  }

  /** Takes nothing. */
  private static final class Ignored implements RawBytes {
    @Override
    public void bytes(byte[] buffer, int offset, int length) {}

    @Override
    public void endOfArchive() {}
  }

  /** The same bytes again and again, not held in memory. */
  private static final class RepeatingStream extends InputStream {
    private final byte[] bytes;
    private final long length;
    long position;

    RepeatingStream(byte[] bytes, long times) {
      this.bytes = bytes;
      this.length = bytes.length * times;
    }

    @Override
    public int read() {
      return position == length ? -1 : bytes[(int) (position++ % bytes.length)] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int count) {
      int done = 0;
      for (int next; done < count && (next = read()) >= 0; done++) {
        target[offset + done] = (byte) next;
      }
      return done == 0 ? -1 : done;
    }
  }

  /** Gives at most one byte, and now and then none if asked to. */
  private static final class SlowStream extends InputStream {
    private final InputStream in;
    private final int least;
    private int calls;

    SlowStream(byte[] bytes, int least) {
      this.in = new ByteArrayInputStream(bytes);
      this.least = least;
    }

    @Override
    public int read() throws IOException {
      return in.read();
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      return in.read(target, offset, least == 0 && calls++ % 3 == 0 ? 0 : 1);
    }
  }

  private static ParsedArchive parse(TarBuilder archive) throws IOException {
    ParsedArchive parsed = ParsedArchive.of(archive.toBytes());
    assertEquals(ByteString.of(archive.toBytes()), parsed.bytes(), "not handed out whole");
    return parsed;
  }

  private static TarHeader only(TarBuilder archive) throws IOException {
    return parse(archive).only();
  }

  private static void assertListing(String expected, TarBuilder archive) throws IOException {
    assertEquals(expected, parse(archive).listing());
  }

  private static MalformedArchiveException assertMalformed(TarBuilder archive) {
    return assertRefused(MalformedArchiveException.class, archive);
  }

  private static LimitExceededException assertExceeds(TarBuilder archive) {
    return assertRefused(LimitExceededException.class, archive);
  }

  private static <E extends ArchiveException> E assertRefused(Class<E> type, TarBuilder archive) {
    return assertThrows(type, () -> ParsedArchive.of(archive.toBytes()));
  }

  private static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static byte[] concat(byte[] first, byte[] second) {
    byte[] both = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, both, first.length, second.length);
    return both;
  }
}
