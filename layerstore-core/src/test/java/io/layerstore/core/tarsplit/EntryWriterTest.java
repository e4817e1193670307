package io.layerstore.core.tarsplit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.ByteString;
import io.layerstore.core.tarsplit.Entry.FileEntry;
import io.layerstore.core.tarsplit.Entry.SegmentEntry;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

final class EntryWriterTest {

  @Test
  void file_withContent_hasEveryMemberInOrder() throws IOException {
    byte[] hello = "hello\n".getBytes(StandardCharsets.US_ASCII);

    assertEquals(
        "{\"type\":1,\"name\":\"a.txt\",\"size\":6,\"payload\":\"YUw+7uLYEAA=\",\"position\":0}\n",
        written(new FileEntry(ByteString.utf8("a.txt"), 6, SplitLayer.crc(hello))));
  }

  @Test
  void file_nameThatIsNotUtf8_isRaw() throws IOException {
    ByteString name = ByteString.of("caf\u00e9.txt".getBytes(StandardCharsets.ISO_8859_1));

    assertEquals(
        "{\"type\":1,\"name_raw\":\"Y2Fm6S50eHQ=\",\"size\":1,\"payload\":\"IxAAAAAAAAA=\",\"position\":0}\n",
        written(new FileEntry(name, 1, SplitLayer.crc(new byte[] {'x'}))));
  }

  @Test
  void file_emptyName_hasNoName() throws IOException {
    assertEquals(
        "{\"type\":1,\"payload\":null,\"position\":0}\n",
        written(new FileEntry(ByteString.EMPTY, 0, 0)));
  }

  @Test
  void segment_empty_hasAnEmptyPayload() throws IOException {
    assertEquals(
        "{\"type\":2,\"payload\":\"\",\"position\":0}\n",
        written(new SegmentEntry(ByteString.EMPTY)));
  }

  @Test
  void write_severalEntries_countsPositions() throws IOException {
    SegmentEntry one = new SegmentEntry(ByteString.of(new byte[] {1}));

    assertEquals(
        "{\"type\":2,\"payload\":\"AQ==\",\"position\":0}\n{\"type\":2,\"payload\":\"AQ==\",\"position\":1}\n",
        written(one, one));
  }

  /** Names, and how Go 1.19 writes them. */
  static Stream<Arguments> names() {
    return Stream.of(
        Arguments.of("a<b>&c", "a\\u003cb\\u003e\\u0026c"),
        Arguments.of("quo\"te\\back", "quo\\\"te\\\\back"),
        Arguments.of("a\nb\rc\td", "a\\nb\\rc\\td"),
        Arguments.of("\u0001\b\f\u001f", "\\u0001\\u0008\\u000c\\u001f"),
        Arguments.of("del\u007f", "del\u007f"),
        Arguments.of("line\u2028para\u2029", "line\\u2028para\\u2029"),
        Arguments.of("\u00e9\u20ac\ud83d\ude00", "\u00e9\u20ac\ud83d\ude00"),
        Arguments.of("\ufffd\uffff", "\ufffd\uffff"),
        Arguments.of("nul\u0000", "nul\\u0000"),
        Arguments.of("./dir/", "./dir/"));
  }

  @ParameterizedTest
  @MethodSource("names")
  void file_specialCharacters_areEscapedAsByGo(String name, String expected) throws IOException {
    assertEquals(
        "{\"type\":1,\"name\":\"" + expected + "\",\"payload\":null,\"position\":0}\n",
        written(new FileEntry(ByteString.utf8(name), 0, 0)));
  }

  @ParameterizedTest
  @MethodSource("names")
  void file_specialCharacters_areReadBack(String name) throws IOException {
    FileEntry entry = new FileEntry(ByteString.utf8(name), 0, 0);

    assertEquals(List.of(entry), read(written(entry)));
  }

  @Test
  void file_anyBytes_areReadBack() throws IOException {
    Random random = new Random(3);
    List<Entry> entries = new ArrayList<>();
    for (int i = 0; i < 2000; i++) {
      byte[] name = new byte[random.nextInt(12)];
      random.nextBytes(name);
      if (random.nextBoolean()) { // more of what is nearly UTF-8
        for (int k = 0; k < name.length; k++) {
          name[k] =
              (byte)
                  "a\u00c3\u00a9\u00e2\u0082\u00ac\u00ed\u00a0\u0080\u00f0\u009f\u0098\u0080"
                      .charAt(random.nextInt(13));
        }
      }
      entries.add(new FileEntry(ByteString.of(name), i, i == 0 ? 0 : random.nextLong()));
    }

    assertEquals(entries, read(written(entries.toArray(Entry[]::new))));
  }

  @Test
  void segment_ofAnyLength_isOneBase64Text() throws IOException {
    Random random = new Random(4);
    for (int length : new int[] {1, 2, 3, 512, 12287, 12288, 12289, 40_000, 1 << 20}) {
      byte[] bytes = new byte[length];
      random.nextBytes(bytes);
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      EntryWriter writer = new EntryWriter(out);
      writer.segment(bytes, 0, length);
      writer.flush();

      assertEquals(
          "{\"type\":2,\"payload\":\""
              + Base64.getEncoder().encodeToString(bytes)
              + "\",\"position\":0}\n",
          out.toString(StandardCharsets.US_ASCII));
    }
  }

  @Test
  void segment_partOfAnArray_isThatPart() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    EntryWriter writer = new EntryWriter(out);
    writer.segment(new byte[] {9, 1, 2, 3, 9}, 1, 3);
    writer.flush();

    assertArrayEquals(
        "{\"type\":2,\"payload\":\"AQID\",\"position\":0}\n".getBytes(StandardCharsets.US_ASCII),
        out.toByteArray());
  }

  private static String written(Entry... entries) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    EntryWriter writer = new EntryWriter(out);
    for (Entry entry : entries) {
      writer.write(entry);
    }
    writer.flush();
    return out.toString(StandardCharsets.UTF_8);
  }

  private static List<Entry> read(String document) throws IOException {
    return SplitLayer.entries(new ByteArrayInputStream(document.getBytes(StandardCharsets.UTF_8)));
  }
}
