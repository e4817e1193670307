package io.layerstore.core.tar;

import static io.layerstore.core.tar.TarReading.assertListing;
import static io.layerstore.core.tar.TarReading.assertMalformed;
import static io.layerstore.core.tar.TarReading.latin1;
import static io.layerstore.core.tar.TarReading.only;
import static io.layerstore.testing.TarBuilder.record;
import static io.layerstore.testing.TarBuilder.records;
import static io.layerstore.testing.TarHeaderBlock.named;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.ByteString;
import io.layerstore.spi.Xattr;
import io.layerstore.testing.TarBuilder;
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
 * How {@link TarReader} reads PAX records. Where nothing else is said, the expectation is what Go's
 * parser does, and most of these archives are read differently by at least one of Go, GNU tar and
 * commons-compress.
 */
final class PaxHeaderTest {

  private final TarBuilder tar = new TarBuilder();

  @Nested
  final class Pax {

    @ParameterizedTest
    @MethodSource("io.layerstore.core.tar.PaxHeaderTest#brokenRecords")
    void next_brokenRecord_isMalformed(String records) {
      assertMalformed(tar.paxRecords(latin1(records)).file("a", "x").end());
    }

    @ParameterizedTest
    @MethodSource("io.layerstore.core.tar.PaxHeaderTest#brokenRecords")
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

  private static byte[] concat(byte[] first, byte[] second) {
    byte[] both = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, both, first.length, second.length);
    return both;
  }
}
