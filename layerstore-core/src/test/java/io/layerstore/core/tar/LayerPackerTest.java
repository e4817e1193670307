package io.layerstore.core.tar;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ArchiveException.Kind;
import io.layerstore.ByteString;
import io.layerstore.ConcurrentChangeException;
import io.layerstore.LayerPath;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.Xattr;
import io.layerstore.testing.AppendixA;
import io.layerstore.testing.Refusals;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The bytes that {@link LayerPacker} makes, and how it treats the tree it reads. */
final class LayerPackerTest {

  private static final Attributes FILE = Attributes.of(0644, Instant.ofEpochSecond(1_600_000_000));
  private static final Attributes DIRECTORY = FILE.withMode(0755);

  private final ListTreeReader tree = new ListTreeReader();

  /** Trees whose archives are known byte for byte. */
  @Nested
  final class KnownArchives {

    @Test
    void read_emptyTree_isTwoZeroBlocks() throws Exception {
      assertArrayEquals(AppendixA.EMPTY1024.bytes(), pack());
    }

    @Test
    void read_oneFile_isTheKnownArchive() throws Exception {
      tree.add(file("a.txt", 6), "hello\n");
      assertArrayEquals(AppendixA.PLAIN.bytes(), pack());
    }

    @Test
    void read_hardLink_isTypeOneWithoutSize() throws Exception {
      tree.add(file("a.txt", 6), "hello\n");
      tree.add(TreeEntry.hardLink(LayerPath.of("b.txt"), FILE, LayerPath.of("a.txt")));
      assertArrayEquals(AppendixA.HL0.bytes(), pack());
    }

    @Test
    void read_symlinkOutOfTheLayer_keepsItsText() throws Exception {
      tree.add(
          TreeEntry.symlink(
              LayerPath.of("l"),
              FILE.withMode(0777),
              ByteString.utf8("../../../../../../etc/passwd")));
      assertArrayEquals(AppendixA.SYMESC.bytes(), pack());
    }

    @Test
    void read_baseOfTwoLayers_isTheKnownArchive() throws Exception {
      tree.add(directory("etc")).add(file("etc/a", 1), "A").add(file("etc/b", 1), "B");
      tree.add(directory("op")).add(file("op/x", 1), "X");
      tree.add(directory("dirx")).add(file("dirx/f", 1), "F").add(file("filey", 1), "Y");
      assertArrayEquals(AppendixA.TWO_BASE.bytes(), pack());
    }

    @Test
    void read_whiteoutsAndOpaqueMarker_areTheKnownArchive() throws Exception {
      tree.add(TreeEntry.whiteout(LayerPath.of("etc/a"), FILE));
      tree.add(directory("op")).add(TreeEntry.opaque(LayerPath.of("op"), FILE));
      tree.add(file("op/new", 1), "N").add(file("dirx", 8), "now file");
      tree.add(TreeEntry.directory(LayerPath.of("filey"), FILE.withMode(0700)));
      tree.add(file("etc/b", 2), "B2");
      tree.add(TreeEntry.whiteout(LayerPath.of("etc/notthere"), FILE));
      assertArrayEquals(AppendixA.TWO_TOP.bytes(), pack());
    }

    @Test
    void read_opaqueRoot_isAMarkerAtTheRoot() throws Exception {
      tree.add(TreeEntry.opaque(LayerPath.ROOT, FILE)).add(file("ok", 1), "1");
      assertArrayEquals(AppendixA.WHROOT.bytes(), pack());
    }

    @Test
    void read_devicesAndFifo_areKept() throws Exception {
      tree.add(
          TreeEntry.device(
              LayerPath.of("tty"), EntryType.CHARACTER_DEVICE, FILE, new Device(4, 64)));
      tree.add(
          TreeEntry.device(LayerPath.of("loop"), EntryType.BLOCK_DEVICE, FILE, new Device(7, 1)));
      tree.add(TreeEntry.fifo(LayerPath.of("pipe"), FILE));
      byte[] expected =
          new TarBuilder()
              .header(TarHeaderBlock.named("tty").type('3').device(4, 64))
              .header(TarHeaderBlock.named("loop").type('4').device(7, 1))
              .header(TarHeaderBlock.named("pipe").type('6'))
              .end()
              .toBytes();
      assertArrayEquals(expected, pack());
    }

    @Test
    void read_specialModeBits_areKept() throws Exception {
      tree.add(TreeEntry.file(LayerPath.of("su"), FILE.withMode(06755), 0));
      byte[] expected =
          new TarBuilder().header(TarHeaderBlock.named("su").mode(06755)).end().toBytes();
      assertArrayEquals(expected, pack());
    }

    @Test
    void read_root_hasNoEntry() throws Exception {
      tree.add(TreeEntry.directory(LayerPath.ROOT, DIRECTORY)).add(file("a.txt", 6), "hello\n");
      assertArrayEquals(AppendixA.PLAIN.bytes(), pack());
    }

    @Test
    void read_fractionOfASecond_isDropped() throws Exception {
      Instant time = Instant.ofEpochSecond(1_600_000_000, 999_999_999);
      Attributes attributes = FILE.withTimes(time, time.plusSeconds(9));
      tree.add(TreeEntry.file(LayerPath.of("a.txt"), attributes, 6), "hello\n");
      assertArrayEquals(AppendixA.PLAIN.bytes(), pack());
    }
  }

  /** What does not fit a ustar header. */
  @Nested
  final class Pax {

    @Test
    void read_nameNotUtf8_isWrittenAsItIs() throws Exception {
      byte[] name = latin1("opt/bad\u00e9");
      tree.add(TreeEntry.file(LayerPath.of(ByteString.of(name)), FILE, 0));
      assertPax(
          "opt/PaxHeaders.0/bad",
          latin1("17 path=opt/bad\u00e9\n"),
          TarHeaderBlock.named("opt/bad"));
    }

    @Test
    void read_largeOwner_isZeroInTheBlock() throws Exception {
      tree.add(TreeEntry.file(LayerPath.of("f"), FILE.withOwner(3_000_000, 2_097_151), 0));
      assertPax(
          "PaxHeaders.0/f", latin1("15 uid=3000000\n"), TarHeaderBlock.named("f").gid(2_097_151));
    }

    @Test
    void read_timeBefore1970_isNegative() throws Exception {
      Instant year1960 = Instant.parse("1960-01-01T00:00:00.5Z");
      tree.add(TreeEntry.file(LayerPath.of("f"), Attributes.of(0644, year1960), 0));
      assertPax(
          "PaxHeaders.0/f", latin1("20 mtime=-315619200\n"), TarHeaderBlock.named("f").modified(0));
    }

    @Test
    void read_timeAfter2242_isARecord() throws Exception {
      Instant late = Instant.ofEpochSecond(1L << 33);
      tree.add(TreeEntry.file(LayerPath.of("f"), Attributes.of(0644, late), 0));
      assertPax(
          "PaxHeaders.0/f", latin1("20 mtime=8589934592\n"), TarHeaderBlock.named("f").modified(0));
    }

    @Test
    void read_longLinkTarget_isCutInTheBlock() throws Exception {
      String target = "t".repeat(120);
      tree.add(TreeEntry.symlink(LayerPath.of("l"), FILE, ByteString.utf8(target)));
      assertPax(
          "PaxHeaders.0/l",
          latin1("134 linkpath=" + target + "\n"),
          TarHeaderBlock.symlink("l", "t".repeat(100)).mode(0644));
    }

    @Test
    void read_longHardLinkTarget_isARecord() throws Exception {
      String target = "t".repeat(101);
      tree.add(TreeEntry.hardLink(LayerPath.of("l"), FILE, LayerPath.of(target)));
      assertPax(
          "PaxHeaders.0/l",
          latin1("115 linkpath=" + target + "\n"),
          TarHeaderBlock.hardLink("l", "t".repeat(100)));
    }

    @Test
    void read_largeFile_hasItsSizeInARecord() throws Exception {
      long size = (8L << 30) + 1;
      tree.add(file("big", size));
      try (LayerPacker packer = new LayerPacker(tree)) {
        byte[] headers = packer.readNBytes(1536);
        byte[] expected =
            new TarBuilder()
                .raw(paxBlocks("PaxHeaders.0/big", latin1("19 size=8589934593\n")))
                .header(TarHeaderBlock.named("big"))
                .toBytes();
        assertArrayEquals(expected, headers);
      }
    }

    @Test
    void read_severalRecords_areSortedByKey() throws Exception {
      Attributes attributes =
          FILE.withOwner(3_000_000, 4_000_000)
              .withXattrs(List.of(xattr("security.capability", "0100000202")));
      tree.add(TreeEntry.file(LayerPath.of("f"), attributes, 0));
      ByteArrayOutputStream records = new ByteArrayOutputStream();
      records.writeBytes(
          TarBuilder.record(
              "SCHILY.xattr.security.capability", HexFormat.of().parseHex("0100000202")));
      records.writeBytes(TarBuilder.records("gid", "4000000", "uid", "3000000"));
      assertPax("PaxHeaders.0/f", records.toByteArray(), TarHeaderBlock.named("f"));
    }

    @Test
    void read_paxForAnotherReason_alsoHoldsASplittableName() throws Exception {
      String name = "d".repeat(60) + "/" + "f".repeat(60);
      tree.add(TreeEntry.file(LayerPath.of(name), FILE.withOwner(3_000_000, 0), 0));
      assertPax(
          ("d".repeat(60) + "/PaxHeaders.0/" + "f".repeat(60)).substring(0, 100),
          TarBuilder.records("path", name, "uid", "3000000"),
          TarHeaderBlock.named(name.substring(0, 100)));
    }

    @Test
    void read_directoryNameNotAscii_hasItsHeaderInside() throws Exception {
      tree.add(directory("a/\u00fc"));
      // What Go does with a name that ends in a slash: the base is empty, and so is what is left of
      // the directory's own name.
      assertPax(
          "a//PaxHeaders.0",
          TarBuilder.records("path", "a/\u00fc/"),
          TarHeaderBlock.directory("a//"));
    }

    @Test
    void read_nameCutAtASlash_doesNotEndInOne() throws Exception {
      String name = "d".repeat(99) + "/" + "f".repeat(101);
      tree.add(file(name, 0));
      assertPax(
          "d".repeat(99), TarBuilder.records("path", name), TarHeaderBlock.named("d".repeat(99)));
    }

    @Test
    void read_deviceNumberBeyondTheField_isRefused() {
      Device device = new Device(1 << 21, 0);
      tree.add(TreeEntry.device(LayerPath.of("d"), EntryType.BLOCK_DEVICE, FILE, device));
      Refusals.assertRefused(Kind.UNSUPPORTED_ENTRY, LayerPackerTest.this::pack);
    }

    private void assertPax(String headerName, byte[] records, TarHeaderBlock main)
        throws IOException {
      byte[] expected =
          new TarBuilder().raw(paxBlocks(headerName, records)).header(main).end().toBytes();
      assertArrayEquals(expected, pack());
    }

    /** The extended header has zeros in its numbers, and NULs where others have device numbers. */
    private byte[] paxBlocks(String headerName, byte[] records) {
      TarHeaderBlock header =
          TarHeaderBlock.named(headerName).type('x').mode(0).modified(0).bytes(329, new byte[16]);
      return new TarBuilder().file(header, records).toBytes();
    }
  }

  /** Names of 101 to 255 bytes. */
  @Nested
  final class LongNames {

    @Test
    void read_name101WithASlash_isSplit() throws Exception {
      assertSplit("d".repeat(50), "f".repeat(50));
    }

    @Test
    void read_name256ThatFillsBothFields_isSplit() throws Exception {
      assertSplit("d".repeat(155), "f".repeat(100));
    }

    @Test
    void read_severalSlashes_areSplitAtTheLastThatFits() throws Exception {
      assertSplit("a/" + "b".repeat(100), "c");
    }

    @Test
    void read_directory_isNotSplitAtItsLastSlash() throws Exception {
      String prefix = "a".repeat(60);
      String rest = "b".repeat(60) + "/";
      tree.add(directory(prefix + "/" + "b".repeat(60)));
      byte[] expected =
          new TarBuilder().header(TarHeaderBlock.directory(rest).prefix(prefix)).end().toBytes();
      assertArrayEquals(expected, pack());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 156})
    void read_noSlashInReach_isPax(int directoryLength) throws Exception {
      String name = "d".repeat(directoryLength) + "/" + "f".repeat(101);
      tree.add(file(name, 0));
      assertEquals('x', pack()[156]);
    }

    @Test
    void read_name100_isNotSplit() throws Exception {
      String name = "d".repeat(50) + "/" + "f".repeat(49);
      tree.add(file(name, 0));
      assertArrayEquals(
          new TarBuilder().header(TarHeaderBlock.named(name)).end().toBytes(), pack());
    }

    private void assertSplit(String prefix, String rest) throws IOException {
      tree.add(file(prefix + "/" + rest, 0));
      byte[] expected =
          new TarBuilder().header(TarHeaderBlock.named(rest).prefix(prefix)).end().toBytes();
      assertArrayEquals(expected, pack());
    }
  }

  /** Times that must not be too late. */
  @Nested
  final class LatestTime {

    private byte[] packBefore(Instant latest) throws IOException {
      try (LayerPacker packer = new LayerPacker(tree, latest)) {
        return packer.readAllBytes();
      }
    }

    @Test
    void read_entryOfEveryKindAfterTheLatestTime_hasThat() throws Exception {
      Instant latest = FILE.modified();
      Attributes later = FILE.withTimes(latest.plusNanos(1), latest.plusSeconds(5));
      Attributes muchLater = FILE.withTimes(Instant.MAX, Instant.MAX);
      addEveryKind(FILE);
      byte[] expected = pack();
      addEveryKind(later);
      assertArrayEquals(expected, packBefore(latest));
      addEveryKind(muchLater);
      assertArrayEquals(expected, packBefore(latest));
    }

    @Test
    void read_entryBeforeTheLatestTime_keepsItsTime() throws Exception {
      addEveryKind(FILE);
      byte[] expected = pack();
      addEveryKind(FILE);
      assertArrayEquals(expected, packBefore(FILE.modified().plusSeconds(1)));
    }

    private void addEveryKind(Attributes attributes) {
      tree.add(TreeEntry.directory(LayerPath.of("d"), attributes));
      tree.add(TreeEntry.opaque(LayerPath.of("d"), attributes));
      tree.add(TreeEntry.whiteout(LayerPath.of("d/gone"), attributes));
      tree.add(TreeEntry.file(LayerPath.of("f"), attributes, 1), "F");
      tree.add(TreeEntry.hardLink(LayerPath.of("h"), attributes, LayerPath.of("f")));
      tree.add(TreeEntry.symlink(LayerPath.of("l"), attributes, ByteString.utf8("f")));
    }
  }

  /** Extended attributes. */
  @Nested
  final class Capabilities {

    private static final String V2 = "0100000200040000000000000000000000000000";

    @Test
    void read_capabilityVersion2_isExported() throws Exception {
      assertEquals(V2, exported(V2));
    }

    @Test
    void read_capabilityVersion3_losesItsRootUser() throws Exception {
      assertEquals(V2, exported("0100000300040000000000000000000000000000" + "e8030000"));
    }

    @Test
    void read_otherXattrs_areNotExported() throws Exception {
      Attributes attributes =
          FILE.withXattrs(List.of(xattr("user.x", "01"), xattr("trusted.overlay.opaque", "79")));
      tree.add(TreeEntry.file(LayerPath.of("a.txt"), attributes, 6), "hello\n");
      assertArrayEquals(AppendixA.PLAIN.bytes(), pack());
    }

    private String exported(String value) throws IOException {
      Attributes attributes = FILE.withXattrs(List.of(xattr("security.capability", value)));
      tree.add(TreeEntry.file(LayerPath.of("ping"), attributes, 0));
      TarHeader header = ParsedArchive.of(pack()).only();
      assertEquals(1, header.xattrs().size());
      return HexFormat.of().formatHex(header.xattrs().get(0).value().toByteArray());
    }
  }

  /** Names that an unpacker would take for deletions. */
  @Nested
  final class WhiteoutNames {

    @ParameterizedTest
    @ValueSource(
        strings = {".wh.x", "d/.wh.x", ".wh..wh..opq", ".wh.d/x", ".wh..wh.plnk/x", ".wh."})
    void read_fileCalledLikeAWhiteout_isRefused(String name) {
      tree.add(file(name, 0));
      var e = Refusals.assertRefused(Kind.UNSUPPORTED_ENTRY, LayerPackerTest.this::pack);
      assertEquals(Optional.of(name), e.entryName());
    }

    @Test
    void read_directoryCalledLikeAWhiteout_isRefused() {
      tree.add(directory(".wh.x"));
      Refusals.assertRefused(Kind.UNSUPPORTED_ENTRY, LayerPackerTest.this::pack);
    }

    @Test
    void read_namesThatOnlyResembleWhiteouts_areTaken() throws Exception {
      tree.add(file(".wh", 0)).add(file("x.wh.y", 0)).add(file(".whx/.w/.wh", 0));
      assertEquals(".wh x.wh.y .whx/.w/.wh", ParsedArchive.of(pack()).listing());
    }

    @Test
    void read_deletionThatWouldBeAnOpaqueMarker_isRefused() {
      tree.add(TreeEntry.whiteout(LayerPath.of("d/.wh..opq"), FILE));
      Refusals.assertRefused(Kind.UNSUPPORTED_ENTRY, LayerPackerTest.this::pack);
    }

    @Test
    void read_deletionOfAWhiteoutName_hasThePrefixTwice() throws Exception {
      tree.add(TreeEntry.whiteout(LayerPath.of(".wh.aufs"), FILE));
      assertEquals(".wh..wh.aufs", ParsedArchive.of(pack()).listing());
    }
  }

  /** How content is read. */
  @Nested
  final class Content {

    @Test
    void read_contentShorterThanAnnounced_isAConcurrentChange() {
      tree.add(file("d/f", 6), "hell");
      var e = assertThrows(ConcurrentChangeException.class, LayerPackerTest.this::pack);
      assertEquals("d/f", e.path());
    }

    @Test
    void read_contentLongerThanAnnounced_isAConcurrentChange() {
      tree.add(file("f", 3), "hell");
      assertThrows(ConcurrentChangeException.class, LayerPackerTest.this::pack);
    }

    @Test
    void read_afterAFailure_failsAgain() throws Exception {
      tree.add(file("f", 3), "hell");
      try (LayerPacker packer = new LayerPacker(tree)) {
        var first = assertThrows(ConcurrentChangeException.class, packer::readAllBytes);
        assertSame(first, assertThrows(ConcurrentChangeException.class, packer::read));
      }
    }

    @Test
    void read_emptyFile_doesNotOpenIt() throws Exception {
      tree.add(file("f", 0), "grown since");
      assertArrayEquals(new TarBuilder().header(TarHeaderBlock.named("f")).end().toBytes(), pack());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 511, 512, 513, 65_536, 200_000})
    void read_anyBufferSize_givesTheSameBytes(int bufferSize) throws Exception {
      String content = "0123456789".repeat(20_000);
      tree.add(file("big", content.length()), content).add(file("a.txt", 6), "hello\n");
      byte[] expected =
          new TarBuilder().file("big", content).file("a.txt", "hello\n").end().toBytes();
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      try (LayerPacker packer = new LayerPacker(tree)) {
        byte[] buffer = new byte[bufferSize];
        for (int count; (count = packer.read(buffer, 0, bufferSize)) >= 0; ) {
          out.write(buffer, 0, count);
        }
      }
      assertArrayEquals(expected, out.toByteArray());
    }

    @Test
    void read_littleByLittle_readsTheTreeInLargePieces() throws Exception {
      String content = "x".repeat(130_000);
      tree.add(file("big", content.length()), content);
      try (LayerPacker packer = new LayerPacker(tree)) {
        while (packer.read() >= 0) {}
      }
      assertTrue(tree.readLengths.size() < 5, () -> tree.readLengths.toString());
    }
  }

  @Nested
  final class Close {

    @Test
    void close_inTheMiddleOfAFile_closesContentAndReader() throws Exception {
      tree.add(file("f", 100_000), "x".repeat(100_000));
      LayerPacker packer = new LayerPacker(tree);
      assertEquals(600, packer.readNBytes(600).length);
      packer.close();
      assertEquals(0, tree.openContents);
      assertEquals(1, tree.closeCalls);
    }

    @Test
    void close_twice_closesTheReaderOnce() throws Exception {
      LayerPacker packer = new LayerPacker(tree);
      packer.close();
      packer.close();
      assertEquals(1, tree.closeCalls);
    }

    @Test
    void read_afterClose_fails() throws Exception {
      LayerPacker packer = new LayerPacker(tree);
      packer.close();
      assertThrows(IOException.class, packer::read);
    }
  }

  private byte[] pack() throws IOException {
    try (LayerPacker packer = new LayerPacker(tree)) {
      return packer.readAllBytes();
    }
  }

  private static TreeEntry file(String path, long size) {
    return TreeEntry.file(LayerPath.of(path), FILE, size);
  }

  private static TreeEntry directory(String path) {
    return TreeEntry.directory(LayerPath.of(path), DIRECTORY);
  }

  private static Xattr xattr(String name, String hex) {
    return new Xattr(ByteString.utf8(name), ByteString.of(HexFormat.of().parseHex(hex)));
  }

  private static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }
}
