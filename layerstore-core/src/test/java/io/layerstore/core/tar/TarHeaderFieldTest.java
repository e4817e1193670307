package io.layerstore.core.tar;

import static io.layerstore.core.tar.TarReading.assertExceeds;
import static io.layerstore.core.tar.TarReading.assertListing;
import static io.layerstore.core.tar.TarReading.assertMalformed;
import static io.layerstore.core.tar.TarReading.latin1;
import static io.layerstore.core.tar.TarReading.only;
import static io.layerstore.testing.TarHeaderBlock.named;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ArchiveException.Kind;
import io.layerstore.testing.Refusals;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * How {@link TarReader} reads the fields of a header block. Where nothing else is said, the
 * expectation is what Go's parser does, and most of these archives are read differently by at least
 * one of Go, GNU tar and commons-compress.
 */
final class TarHeaderFieldTest {

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
      Refusals.assertRefused(Kind.MALFORMED, () -> ParsedArchive.of(bytes));
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
      assertEquals(Optional.of("maxUnpackedBytes"), e.limitName());
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
      var e = Refusals.assertRefused(Kind.UNSUPPORTED_ENTRY, () -> ParsedArchive.of(tar.toBytes()));
      assertTrue(e.getMessage().endsWith("unhandled tar header type " + flag), e.getMessage());
    }
  }
}
