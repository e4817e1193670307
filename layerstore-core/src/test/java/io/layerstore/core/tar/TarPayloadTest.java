package io.layerstore.core.tar;

import static io.layerstore.core.tar.TarReading.assertExceeds;
import static io.layerstore.core.tar.TarReading.assertListing;
import static io.layerstore.core.tar.TarReading.assertMalformed;
import static io.layerstore.core.tar.TarReading.latin1;
import static io.layerstore.core.tar.TarReading.only;
import static io.layerstore.core.tar.TarReading.parse;
import static io.layerstore.testing.TarBuilder.records;
import static io.layerstore.testing.TarHeaderBlock.named;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.spi.FileContent.Extent;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * How {@link TarReader} reads sizes and sparse maps, which decide where the next header is. Where
 * nothing else is said, the expectation is what Go's parser does, and most of these archives are
 * read differently by at least one of Go, GNU tar and commons-compress.
 */
final class TarPayloadTest {

  private final TarBuilder tar = new TarBuilder();

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
    @ValueSource(chars = {'1', '5'})
    void next_sizeThatNoReaderFollows_isNoPayload(char type) throws Exception {
      tar.file("f", "x").header(named("a").type(type).link("f").size(700)).file("b", "y").end();
      assertListing("f=x a b=y", tar);
    }

    @ParameterizedTest
    @ValueSource(chars = {'1', '5'})
    void next_sizeThatNoReaderFollowsAtTheEnd_isNoPayload(char type) throws Exception {
      tar.file("f", "x").header(named("a").type(type).link("f").size(5000)).end();
      assertListing("f=x a", tar);
    }

    @Test
    void next_sizeOfAHardLink_isKept() throws Exception {
      assertEquals(
          "700 0",
          only(tar.header(TarHeaderBlock.hardLink("a", "f").size(700)).end()).size()
              + " "
              + parse(tar).only().storedSize());
    }

    @Test
    void next_sizeOfAHardLinkInGnuFormatAfterPax_isNoPayload() throws Exception {
      tar.pax("comment", "c").file("f", "x");
      tar.header(TarHeaderBlock.hardLink("a", "f").gnu().size(700)).file("b", "y").end();
      assertListing("f=x a b=y", tar);
    }

    @Test
    void next_sizeOfADirectoryAfterPax_isNoPayload() throws Exception {
      tar.pax("comment", "c").file("f", "x");
      tar.header(TarHeaderBlock.directory("a/").size(700)).file("b", "y").end();
      assertListing("f=x a/ b=y", tar);
    }

    /** bsdtar skips as many bytes here. */
    @Test
    void next_sizeOfAHardLinkAfterPax_isMalformed() {
      tar.pax("comment", "c").file("f", "x");
      assertAmbiguous(tar.header(TarHeaderBlock.hardLink("a", "f").size(700)).file("b", "y").end());
    }

    @Test
    void next_sizeOfAHardLinkAfterAGlobalHeader_isMalformed() {
      tar.paxGlobal("g", "comment", "c").file("f", "x");
      assertAmbiguous(tar.header(TarHeaderBlock.hardLink("a", "f").size(700)).file("b", "y").end());
    }

    /** GNU tar skips as many bytes. */
    @ParameterizedTest
    @ValueSource(chars = {'2', '3', '4', '6'})
    void next_payloadOnATypeWithoutOne_isMalformed(char type) {
      byte[] inner = new TarBuilder().file("smuggled", "x").toBytes();
      assertAmbiguous(tar.file(named("a").type(type), inner).file("b", "y").end());
    }

    @ParameterizedTest
    @ValueSource(chars = {'1', '2', '3', '4', '5', '6'})
    void next_paxPayloadOnATypeWithoutOne_isMalformed(char type) {
      assertAmbiguous(tar.pax("size", "512").header(named("a").type(type)).zeros(512).end());
    }

    @Test
    void next_paxSizeZeroOverThatOfALink_isNoPayload() throws Exception {
      tar.file("f", "x").pax("size", "0").header(TarHeaderBlock.hardLink("a", "f").size(700));
      assertListing("f=x a b=y", tar.file("b", "y").end());
    }

    @Test
    void next_v7DirectoryWithPayload_isMalformed() {
      assertAmbiguous(tar.file(named("d/").v7().type(0), new byte[512]).end());
    }

    @ParameterizedTest
    @ValueSource(chars = {'0', '1', '2', '3', '4', '6'})
    void next_slashAfterTheNameOfANonDirectory_keepsTheType(char type) throws Exception {
      tar.header(named("x/").type(type)).file("b", "y").end();
      assertListing("x/ b=y", tar);
      assertNotEquals(TarHeader.Type.DIRECTORY, parse(tar).entries().get(0).header().type());
    }

    @Test
    void next_slashAfterThePaxNameOfAFile_keepsThePayload() throws Exception {
      assertListing("x/=payload", tar.pax("path", "x/").file("x", "payload").end());
    }

    private void assertAmbiguous(TarBuilder archive) {
      String message = assertMalformed(archive).getMessage();
      assertTrue(message.contains("ambiguous"), message);
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
      assertEquals(Optional.of("maxHeaderBytes"), assertExceeds(chain).limitName());
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
      assertEquals(Optional.of("maxUnpackedBytes"), e.limitName());
    }

    @Test
    void next_mapLongerThanTheLimit_exceedsIt() {
      int mapBytes = (1 << 20) + 512;
      var e =
          assertExceeds(
              pax10("10", mapBytes)
                  .raw(latin1("500000\n"))
                  .raw("0\n".repeat(mapBytes / 2).getBytes(StandardCharsets.US_ASCII)));
      assertEquals(Optional.of("maxHeaderBytes"), e.limitName());
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
}
