package io.layerstore.core.tarsplit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ByteString;
import io.layerstore.Digest;
import io.layerstore.core.tarsplit.Entry.FileEntry;
import io.layerstore.core.tarsplit.Entry.SegmentEntry;
import io.layerstore.testing.AppendixA;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class DisassemblerTest {

  @Test
  void close_plainArchive_leavesTheDocumentOfDocker() throws IOException {
    SplitLayer plain = SplitLayer.of(AppendixA.PLAIN.bytes());

    assertEquals(2871, plain.document().length);
    assertEquals(
        "sha256:07ca8e94177f453a54886b35446f15427bfd38ad348407507d53ce179ba0b3e8",
        Digest.sha256Of(plain.document()).toString());
  }

  @ParameterizedTest
  @CsvSource({
    "PLAIN, 512 a.txt 1530",
    "GARBAGE, 512 a.txt 1530 700",
    "ZEROPAD, 512 a.txt 1530 8192",
    "NOEND, 512 a.txt 506",
    "ONEBLK, 512 a.txt 1018",
    "EMPTY0, ''",
    "EMPTY1024, 1024",
    "EMPTY10240, 1024 9216",
    "HL0, 512 a.txt 1018 b.txt 1024",
    "PG1, 527 pax_global_header 1009 a.txt 1530",
    "NONUTF8, 512 caf\\xe9.txt 1535",
  })
  void raw_knownArchive_isCutAsByDocker(AppendixA archive, String expected) throws IOException {
    List<Entry> entries = SplitLayer.of(archive.bytes()).entries();

    assertEquals(
        expected, entries.stream().map(DisassemblerTest::brief).collect(Collectors.joining(" ")));
  }

  private static String brief(Entry entry) {
    return entry instanceof FileEntry file
        ? file.name().toString()
        : Integer.toString(((SegmentEntry) entry).bytes().length());
  }

  @Test
  void raw_inSinglePieces_isOneSegment() throws IOException {
    ByteArrayOutputStream document = new ByteArrayOutputStream();
    try (Disassembler disassembler = new Disassembler(document)) {
      for (int i = 0; i < 1000; i++) {
        disassembler.raw(new byte[] {(byte) i, 0}, 0, 1);
      }
    }

    assertEquals("[1000]", lengths(document).toString());
  }

  @Test
  void raw_moreThanAMebibyte_isCutAndComplete() throws IOException {
    byte[] bytes = new byte[(2 << 20) + 7];
    new Random(1).nextBytes(bytes);
    ByteArrayOutputStream document = new ByteArrayOutputStream();
    try (Disassembler disassembler = new Disassembler(document)) {
      disassembler.raw(bytes, 0, 100);
      disassembler.raw(bytes, 100, bytes.length - 100);
    }

    assertEquals(List.of(1 << 20, 1 << 20, 7), lengths(document));
    assertEquals(ByteString.of(bytes), joined(document));
  }

  @Test
  void raw_pastTheEnd_isCutAt32KiB() throws IOException {
    ByteArrayOutputStream document = new ByteArrayOutputStream();
    try (Disassembler disassembler = new Disassembler(document)) {
      disassembler.raw(new byte[1024], 0, 1024);
      disassembler.endOfArchive();
      disassembler.raw(new byte[70_000], 0, 70_000);
    }

    assertEquals(List.of(1024, 32768, 32768, 4464), lengths(document));
  }

  @Test
  void file_withoutContent_hasNoSizeAndNoChecksum() throws IOException {
    ByteArrayOutputStream document = new ByteArrayOutputStream();
    try (Disassembler disassembler = new Disassembler(document)) {
      disassembler.file(ByteString.utf8("d/"), 0, 77);
    }

    assertEquals(
        "{\"type\":1,\"name\":\"d/\",\"payload\":null,\"position\":0}\n",
        document.toString(StandardCharsets.UTF_8));
  }

  @Test
  void close_nothingTaken_isAnEmptyDocument() throws IOException {
    ByteArrayOutputStream document = new ByteArrayOutputStream();
    new Disassembler(document).close();

    assertEquals(0, document.size());
  }

  @Test
  void close_twice_writesOnce() throws IOException {
    ByteArrayOutputStream document = new ByteArrayOutputStream();
    Disassembler disassembler = new Disassembler(document);
    disassembler.raw(new byte[3], 0, 3);
    disassembler.close();
    disassembler.close();

    assertEquals(List.of(3), lengths(document));
  }

  @Test
  void close_leavesTheTargetOpen() throws IOException {
    boolean[] closed = {false};
    new Disassembler(
            new ByteArrayOutputStream() {
              @Override
              public void close() {
                closed[0] = true;
              }
            })
        .close();

    assertFalse(closed[0]);
  }

  @Test
  void raw_afterClose_isRefused() throws IOException {
    Disassembler disassembler = new Disassembler(new ByteArrayOutputStream());
    disassembler.close();

    assertThrows(IllegalStateException.class, () -> disassembler.raw(new byte[1], 0, 1));
  }

  @Test
  void raw_everyBlockBeforeAFile_comesBeforeItsEntry() throws IOException {
    List<Entry> entries = SplitLayer.of(AppendixA.LONGGNU.bytes()).entries();

    assertTrue(entries.get(0) instanceof SegmentEntry header && header.bytes().length() == 1536);
    assertEquals("n".repeat(120), ((FileEntry) entries.get(1)).name().toString());
  }

  private static List<Integer> lengths(ByteArrayOutputStream document) throws IOException {
    return SplitLayer.entries(new ByteArrayInputStream(document.toByteArray())).stream()
        .map(entry -> ((SegmentEntry) entry).bytes().length())
        .toList();
  }

  private static ByteString joined(ByteArrayOutputStream document) throws IOException {
    ByteString joined = ByteString.EMPTY;
    for (Entry entry : SplitLayer.entries(new ByteArrayInputStream(document.toByteArray()))) {
      joined = joined.concat(((SegmentEntry) entry).bytes());
    }
    return joined;
  }
}
