package io.layerstore.core.tar;

import static io.layerstore.testing.TarHeaderBlock.named;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.TarHeaderBlock;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A second opinion on archives that are beyond doubt: commons-compress reads the same entries. */
final class CommonsCompressDifferentialTest {

  static Stream<TarBuilder> wellFormedArchives() {
    String long150 = "d".repeat(70) + "/" + "f".repeat(79);
    return Stream.of(
        new TarBuilder().end(),
        new TarBuilder().directory("d/").file("d/f", "hello\n").file("d/empty", "").end(),
        new TarBuilder()
            .file("a", "x".repeat(511))
            .file("b", "y".repeat(512))
            .file("c", "z".repeat(513))
            .end(),
        new TarBuilder().file("a", "1").hardLink("h", "a").symlink("s", "../a").end(),
        new TarBuilder()
            .header(named("c").type('3').device(4, 64))
            .header(named("b").type('4').device(7, 1))
            .header(named("p").type('6'))
            .end(),
        new TarBuilder().file(named("su").mode(04755).uid(1000).gid(2000).modified(1), "x").end(),
        new TarBuilder().file(named("big-ids").uid(3_000_000).gid(4_000_000), "x").end(),
        new TarBuilder().file(named("f".repeat(79)).prefix("d".repeat(70)), "x").end(),
        new TarBuilder().gnuName(long150).file(named("short").gnu(), "x").end(),
        new TarBuilder()
            .gnuName("n".repeat(1000))
            .gnuLink("t".repeat(1000))
            .symlink("s", "t")
            .end(),
        new TarBuilder()
            .pax("path", long150, "mtime", "1.5", "uid", "3000000", "gid", "7")
            .file("short", "x")
            .end(),
        new TarBuilder().pax("linkpath", "t".repeat(200)).symlink("s", "t").end(),
        new TarBuilder().pax("size", "5").header(named("f")).padded("12345").file("g", "x").end(),
        new TarBuilder().file(named("v7").v7(), "x").header(named("dir/").v7().type(0)).end(),
        new TarBuilder().file(named("base256").base256(108, 8, 77).base256(136, 12, 99), "x").end(),
        new TarBuilder().file("a", "x").end().zeros(8192),
        sparse01(),
        sparse10());
  }

  private static TarBuilder sparse01() {
    return new TarBuilder()
        .pax(
            "GNU.sparse.size",
            "4608",
            "GNU.sparse.numblocks",
            "2",
            "GNU.sparse.name",
            "sp",
            "GNU.sparse.map",
            "0,512,4096,512")
        .header(named("GNUSparseFile.0/sp").size(1024))
        .repeat('A', 512)
        .repeat('B', 512)
        .file("after", "x")
        .end();
  }

  private static TarBuilder sparse10() {
    return new TarBuilder()
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
        .file("after", "x")
        .end();
  }

  @ParameterizedTest
  @MethodSource("wellFormedArchives")
  void next_wellFormedArchive_isReadAlike(TarBuilder archive) throws Exception {
    assertEquals(theirs(archive), ours(archive));
  }

  private static List<String> ours(TarBuilder archive) throws IOException {
    List<String> lines = new ArrayList<>();
    for (ParsedArchive.Entry entry : ParsedArchive.of(archive.toBytes()).entries()) {
      TarHeader header = entry.header();
      boolean isDevice =
          header.type() == TarHeader.Type.CHARACTER_DEVICE
              || header.type() == TarHeader.Type.BLOCK_DEVICE;
      lines.add(
          describe(
              entry.name(),
              header.type(),
              new String(header.linkName().toByteArray(), StandardCharsets.ISO_8859_1),
              header.size(),
              header.mode(),
              header.uid() + ":" + header.gid(),
              header.modified().toString(),
              isDevice ? header.devMajor() + ":" + header.devMinor() : "",
              SparseContent.expand(header, entry.payload())));
    }
    return lines;
  }

  private static List<String> theirs(TarBuilder archive) throws IOException {
    List<String> lines = new ArrayList<>();
    try (TarArchiveInputStream in =
        new TarArchiveInputStream(
            archive.toStream(), TarHeaderBlock.SIZE, TarHeaderBlock.SIZE, "ISO-8859-1")) {
      for (TarArchiveEntry entry; (entry = in.getNextEntry()) != null; ) {
        boolean isDevice = entry.isCharacterDevice() || entry.isBlockDevice();
        lines.add(
            describe(
                entry.getName(),
                type(entry),
                entry.getLinkName(),
                entry.getRealSize(),
                entry.getMode(),
                entry.getLongUserId() + ":" + entry.getLongGroupId(),
                entry.getLastModifiedTime().toInstant().toString(),
                isDevice ? entry.getDevMajor() + ":" + entry.getDevMinor() : "",
                in.readAllBytes()));
      }
    }
    return lines;
  }

  private static TarHeader.Type type(TarArchiveEntry entry) {
    if (entry.isLink()) {
      return TarHeader.Type.HARD_LINK;
    }
    if (entry.isSymbolicLink()) {
      return TarHeader.Type.SYMLINK;
    }
    if (entry.isCharacterDevice()) {
      return TarHeader.Type.CHARACTER_DEVICE;
    }
    if (entry.isBlockDevice()) {
      return TarHeader.Type.BLOCK_DEVICE;
    }
    if (entry.isFIFO()) {
      return TarHeader.Type.FIFO;
    }
    return entry.isDirectory() ? TarHeader.Type.DIRECTORY : TarHeader.Type.FILE;
  }

  private static String describe(Object... parts) {
    StringBuilder line = new StringBuilder();
    for (Object part : parts) {
      line.append(
              part instanceof byte[] bytes ? new String(bytes, StandardCharsets.ISO_8859_1) : part)
          .append('|');
    }
    return line.toString();
  }
}
