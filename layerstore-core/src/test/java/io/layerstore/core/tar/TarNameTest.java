package io.layerstore.core.tar;

import static io.layerstore.core.tar.TarReading.assertListing;
import static io.layerstore.core.tar.TarReading.assertMalformed;
import static io.layerstore.core.tar.TarReading.latin1;
import static io.layerstore.core.tar.TarReading.only;
import static io.layerstore.core.tar.TarReading.parse;
import static io.layerstore.testing.TarBuilder.record;
import static io.layerstore.testing.TarHeaderBlock.named;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ByteString;
import io.layerstore.spi.Xattr;
import io.layerstore.testing.TarBuilder;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * How {@link TarReader} reads names, and what counts when an archive gives several. Where nothing
 * else is said, the expectation is what Go's parser does, and most of these archives are read
 * differently by at least one of Go, GNU tar and commons-compress.
 */
final class TarNameTest {

  private final TarBuilder tar = new TarBuilder();

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
}
