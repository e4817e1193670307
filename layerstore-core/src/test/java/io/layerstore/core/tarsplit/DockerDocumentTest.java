package io.layerstore.core.tarsplit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.ByteString;
import io.layerstore.DiffId;
import io.layerstore.LayerPath;
import io.layerstore.Limits;
import io.layerstore.core.codec.Decompression;
import io.layerstore.core.tarsplit.Entry.FileEntry;
import io.layerstore.core.tarsplit.Entry.SegmentEntry;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A tar-split written by Docker 20.10.24, of an archive of ours: a global PAX header, 15 files
 * whose names are hard to write in JSON, an empty file, links and a FIFO, a GNU and a PAX long
 * name, a file of 76,800 bytes, one of a whole block, and 50,005 bytes after the end.
 */
final class DockerDocumentTest {

  private static final DiffId DIFF_ID =
      DiffId.parse("sha256:394db5d404376e0c488803af444b2a09a2389b5b2b0839a370400d1e506fa34a");

  private byte[] document;
  private List<Entry> entries;

  @BeforeEach
  void read() throws IOException {
    try (InputStream compressed = getClass().getResourceAsStream("docker-20.10-names.json.gz")) {
      document = Decompression.open(compressed, Limits.DEFAULT).readAllBytes();
    }
    entries = SplitLayer.entries(new ByteArrayInputStream(document));
  }

  @Test
  void write_itsEntries_isTheSameText() throws IOException {
    ByteArrayOutputStream written = new ByteArrayOutputStream();
    EntryWriter writer = new EntryWriter(written);
    for (Entry entry : entries) {
      writer.write(entry);
    }
    writer.flush();

    assertEquals(
        new String(document, StandardCharsets.UTF_8), written.toString(StandardCharsets.UTF_8));
  }

  @Test
  void assemble_itsEntries_isTheArchive() throws IOException {
    try (InputStream tar = assembled()) {
      assertEquals(152_405, tar.readAllBytes().length);
    }
  }

  @Test
  void disassemble_theArchive_isTheSameButForTailSegments() throws IOException {
    byte[] tar = assembled().readAllBytes();

    SplitLayer ours = SplitLayer.of(tar);

    assertArrayEquals(tar, ours.tar());
    assertEquals(withTailInOne(entries), withTailInOne(ours.entries()));
  }

  private AssembledStream assembled() {
    return new AssembledStream(
        new ByteArrayInputStream(document), SplitLayer.DOCUMENT, files(), DIFF_ID, Runnable::run);
  }

  private FakeFiles files() {
    FakeFiles files = new FakeFiles();
    int number = 0;
    for (Entry entry : entries) {
      if (entry instanceof FileEntry file && file.sizeBytes() > 0) {
        files.put(LayerPath.normalise(file.name()).orElseThrow(), content(number++));
      }
    }
    return files;
  }

  private static byte[] content(int number) {
    return switch (number) {
      case 15 -> "long gnu".getBytes(StandardCharsets.US_ASCII);
      case 16 -> "long pax".getBytes(StandardCharsets.US_ASCII);
      case 17 -> {
        byte[] bytes = new byte[300 * 256];
        for (int i = 0; i < bytes.length; i++) {
          bytes[i] = (byte) i;
        }
        yield bytes;
      }
      case 18 -> "B".repeat(512).getBytes(StandardCharsets.US_ASCII);
      default -> ("content " + number + "\n").getBytes(StandardCharsets.US_ASCII);
    };
  }

  /**
   * The entries, what follows the end of the archive in one: where Docker cuts what follows the end
   * depends on its reads.
   */
  private static List<Entry> withTailInOne(List<Entry> entries) {
    int lastFile = 0;
    for (int i = 0; i < entries.size(); i++) {
      if (entries.get(i) instanceof FileEntry) {
        lastFile = i;
      }
    }
    int tail = lastFile + 2;
    List<Entry> joined = new ArrayList<>(entries.subList(0, tail));
    ByteString bytes = ByteString.EMPTY;
    for (Entry entry : entries.subList(tail, entries.size())) {
      bytes = bytes.concat(((SegmentEntry) entry).bytes());
    }
    joined.add(new SegmentEntry(bytes));
    return joined;
  }
}
