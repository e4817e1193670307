package io.layerstore.core.tar;

import static io.layerstore.testing.TarHeaderBlock.named;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.ByteString;
import io.layerstore.testing.Refusals;
import io.layerstore.testing.TarBuilder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** Short forms for tests that read an archive made on the spot. */
final class TarReading {

  private TarReading() {}

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

  /** Reads {@code archive}, and makes sure that every byte of it is handed out. */
  static ParsedArchive parse(TarBuilder archive) throws IOException {
    ParsedArchive parsed = ParsedArchive.of(archive.toBytes());
    assertEquals(ByteString.of(archive.toBytes()), parsed.bytes(), "not handed out whole");
    return parsed;
  }

  static TarHeader only(TarBuilder archive) throws IOException {
    return parse(archive).only();
  }

  /** Asserts names and payloads: see {@link ParsedArchive#listing}. */
  static void assertListing(String expected, TarBuilder archive) throws IOException {
    assertEquals(expected, parse(archive).listing());
  }

  static ArchiveException assertMalformed(TarBuilder archive) {
    return assertRefused(Kind.MALFORMED, archive);
  }

  static ArchiveException assertExceeds(TarBuilder archive) {
    return assertRefused(Kind.LIMIT_EXCEEDED, archive);
  }

  static ArchiveException assertRefused(Kind kind, TarBuilder archive) {
    return Refusals.assertRefused(kind, () -> ParsedArchive.of(archive.toBytes()));
  }

  static byte[] latin1(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }
}
