package io.layerstore.core.tarsplit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.ByteString;
import io.layerstore.Digest;
import io.layerstore.LayerStoreException;
import io.layerstore.StoreCorruptedException;
import io.layerstore.core.tarsplit.Entry.FileEntry;
import io.layerstore.core.tarsplit.Entry.SegmentEntry;
import io.layerstore.testing.AppendixA;
import io.layerstore.testing.TarHeaderBlock;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class EntryReaderTest {

  private static final String CRC = "YUw+7uLYEAA=";
  private static final FileEntry FILE = new FileEntry(ByteString.utf8("a"), 6, 0x614c3eeee2d81000L);

  @Nested
  class Accepted {

    /** The first space makes a document one for the parser of JSON. */
    @ParameterizedTest
    @ValueSource(
        strings = {
          "{\"type\":2,\"payload\":\"AAEC\",\"position\":0}",
          "{\"type\":2,\"payload\":\"\",\"position\":0}",
          "{\"type\":1,\"name\":\"a\",\"size\":6,\"payload\":\"" + CRC + "\",\"position\":1}",
          "{\"type\":1,\"name\":\"d/\",\"payload\":null,\"position\":1}",
          "{\"type\":1,\"name\":\"x\\\\x2d\\u0026\\\"\",\"payload\":null,\"position\":1}",
          "{\"type\":1,\"name\":\"\u00e9\\ud800\",\"payload\":null,\"position\":1}",
          "{\"type\":1,\"name_raw\":\"/w==\",\"payload\":null,\"position\":1}",
          "{\"type\":1,\"payload\":null,\"position\":1}"
        })
    void next_lineAsDockerWritesIt_isWhatTheParserReads(String line) throws IOException {
      assertEquals(read(" " + line + "\n"), read(line + "\n"));
      assertEquals(read(" " + line + line + "\n"), read(line + "\n" + line + "\n"));
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "{\"type\":2,\"payload\":\"AAE\",\"position\":0}",
          "{\"type\":2,\"payload\":\"A!==\",\"position\":0}",
          "{\"type\":1,\"name\":\"a\\x\",\"payload\":null,\"position\":1}",
          "{\"type\":1,\"name\":\"a\",\"size\":-1,\"payload\":null,\"position\":1}",
          "{\"type\":1,\"name\":\"a\",\"size\":06,\"payload\":null,\"position\":1}",
          "{\"type\":1,\"name\":\"a\",\"size\":6,\"payload\":null,\"position\":1}",
          "{\"type\":1,\"name\":\"a\",\"payload\":null,\"position\":1",
          "{\"type\":2,\"payload\":\"AAEC\",\"position\":0}}"
        })
    void next_lineThatIsNoEntry_isRefusedAsByTheParser(String line) {
      String parsed =
          assertThrows(StoreCorruptedException.class, () -> read(" " + line + "\n")).getMessage();
      assertEquals(
          parsed,
          assertThrows(StoreCorruptedException.class, () -> read(line + "\n")).getMessage());
    }

    /** Who made the stream may want what follows the last entry. */
    @Test
    void next_endOfDocument_leavesItOpen() throws IOException {
      boolean[] isClosed = new boolean[1];
      InputStream document =
          new ByteArrayInputStream(
              "{\"type\":2,\"payload\":\"\",\"position\":0}\n".getBytes(StandardCharsets.UTF_8)) {
            @Override
            public void close() {
              isClosed[0] = true;
            }
          };
      try (EntryReader reader = new EntryReader(document, "document")) {
        reader.next();
        assertNull(reader.next());
        assertFalse(isClosed[0]);
      }
      assertTrue(isClosed[0]);
    }

    @Test
    void next_emptyDocument_isTheEnd() throws IOException {
      assertEquals(List.of(), read(""));
    }

    @Test
    void next_onlyWhiteSpace_isTheEnd() throws IOException {
      assertEquals(List.of(), read(" \r\n\t\n"));
    }

    @Test
    void next_documentWithEmptyTailOfOldReleases_isRead() throws IOException {
      String plain =
          new String(SplitLayer.of(AppendixA.PLAIN.bytes()).document(), StandardCharsets.UTF_8);
      String old = plain + "{\"type\":2,\"payload\":\"\",\"position\":3}\n";

      assertEquals(
          "sha256:7a24836c2c7abc938c7d12ba3308e0423ebebb5a27eba5ed4a37717119b656b5",
          Digest.sha256Of(old.getBytes(StandardCharsets.UTF_8)).toString());
      assertEquals(new SegmentEntry(ByteString.EMPTY), read(old).get(3));
    }

    /** What Docker writes for a hard link whose header has the size of the file. */
    @ParameterizedTest
    @ValueSource(chars = {'1', '2', '3', '4', '5', '6'})
    void next_sizeOfAnEntryThatHasNoContent_isNone(char type) throws IOException {
      assertEquals(new FileEntry(ByteString.utf8("h"), 0, 0), readAfterHeader(type).get(1));
    }

    /** Content can have the checksum of none. */
    @Test
    void next_fileWithTheChecksumOfNothing_keepsItsSize() throws IOException {
      assertEquals(new FileEntry(ByteString.utf8("h"), 700, 0), readAfterHeader('0').get(1));
    }

    private List<Entry> readAfterHeader(char type) throws IOException {
      byte[] header = TarHeaderBlock.named("h").type(type).size(700).toBytes();
      return read(
          "{\"type\":2,\"payload\":\""
              + Base64.getEncoder().encodeToString(header)
              + "\",\"position\":0}\n"
              + "{\"type\":1,\"name\":\"h\",\"size\":700,\"payload\":\"AAAAAAAAAAA=\",\"position\":1}\n");
    }

    @Test
    void next_noSpaceBetweenEntries_isRead() throws IOException {
      assertEquals(2, read(file("a") + file("a")).size());
    }

    @Test
    void next_spaceEverywhere_isRead() throws IOException {
      assertEquals(
          List.of(FILE),
          read(
              " \n{ \"type\" :\t1 , \"name\"\n:\"a\" , \"size\" : 6,\r\n \"payload\" : \""
                  + CRC
                  + "\" , \"position\" : 0 }\n\n"));
    }

    @Test
    void next_membersInAnyOrder_areRead() throws IOException {
      assertEquals(
          List.of(FILE),
          read(
              "{\"position\":0,\"payload\":\"" + CRC + "\",\"size\":6,\"name\":\"a\",\"type\":1}"));
    }

    @Test
    void next_membersInAnyCase_areRead() throws IOException {
      assertEquals(
          List.of(FILE),
          read(
              "{\"Type\":1,\"NAME\":\"a\",\"siZe\":6,\"Payload\":\"" + CRC + "\",\"POSITION\":0}"));
    }

    @Test
    void next_memberTwice_countsTheLast() throws IOException {
      assertEquals(
          List.of(FILE),
          read(
              "{\"type\":2,\"type\":1,\"name\":\"b\",\"name\":\"a\",\"size\":6,\"payload\":\""
                  + CRC
                  + "\"}"));
    }

    @Test
    void next_unknownMembers_areIgnored() throws IOException {
      assertEquals(
          List.of(FILE),
          read(
              "{\"type\":1,\"x\":{\"type\":[2,{\"size\":[[]]}]},\"name\":\"a\",\"y\":[1,2,{}],\"size\":6,\"payload\":\""
                  + CRC
                  + "\",\"z\":null,\"w\":1e99}"));
    }

    @Test
    void next_rawName_goesBeforeTheName() throws IOException {
      assertEquals(
          List.of(new FileEntry(ByteString.of(new byte[] {(byte) 0xe9}), 0, 0)),
          read("{\"type\":1,\"name\":\"a\",\"name_raw\":\"6Q==\",\"payload\":null}"));
    }

    @Test
    void next_nullMembers_areAsIfAbsent() throws IOException {
      assertEquals(
          List.of(new FileEntry(ByteString.EMPTY, 0, 0)),
          read(
              "{\"type\":1,\"name\":null,\"name_raw\":null,\"size\":null,\"payload\":null,\"position\":null}"));
    }

    @Test
    void next_segmentWithoutPayload_isEmpty() throws IOException {
      assertEquals(
          List.of(new SegmentEntry(ByteString.EMPTY)), read("{\"type\":2,\"payload\":null}"));
    }

    @Test
    void next_escapesOfAnyKind_areRead() throws IOException {
      assertEquals(
          List.of(new FileEntry(ByteString.utf8("a/\b\f\n\r\t\"\\\u00e9\ud83d\ude00"), 0, 0)),
          read(
              "{\"type\":1,\"name\":\"\\u0061\\/\\b\\f\\n\\r\\t\\\"\\\\\\u00E9\\ud83d\\uDe00\",\"payload\":null}"));
    }

    @Test
    void next_halfASurrogatePair_isTheReplacementCharacter() throws IOException {
      assertEquals(
          List.of(new FileEntry(ByteString.utf8("a\ufffdb\ufffd"), 0, 0)),
          read("{\"type\":1,\"name\":\"a\\ud800b\\udc00\",\"payload\":null}"));
    }

    @Test
    void next_lineBreaksInBase64_areIgnored() throws IOException {
      assertEquals(
          List.of(new SegmentEntry(ByteString.of(new byte[] {1, 2, 3, 4}))),
          read("{\"type\":2,\"payload\":\"AQID\\nBA==\\r\\n\"}"));
    }

    @Test
    void next_checksumOfAnEmptyFile_isIgnored() throws IOException {
      assertEquals(
          List.of(new FileEntry(ByteString.utf8("a"), 0, 0)),
          read("{\"type\":1,\"name\":\"a\",\"payload\":\"" + CRC + "\"}"));
    }

    @Test
    void next_longestSegment_isRead() throws IOException {
      String payload = Base64.getEncoder().encodeToString(new byte[EntryReader.MAX_PAYLOAD_BYTES]);

      SegmentEntry segment =
          (SegmentEntry) read("{\"type\":2,\"payload\":\"" + payload + "\"}").get(0);

      assertEquals(EntryReader.MAX_PAYLOAD_BYTES, segment.bytes().length());
    }

    @Test
    void next_manyEntriesWithOneUnknownMember_areRead() throws IOException {
      String line = "{\"type\":2,\"payload\":\"AQID\",\"future\":1}\n";

      assertEquals(5000, read(line.repeat(5000)).size());
    }
  }

  @Nested
  class Refused {

    @ParameterizedTest
    @ValueSource(
        strings = {
          "{}",
          "{\"type\":0,\"payload\":\"\"}",
          "{\"type\":3,\"payload\":\"\"}",
          "{\"type\":-1,\"payload\":\"\"}",
          "{\"type\":4294967298,\"payload\":\"\"}",
          "{\"type\":1e0,\"payload\":null}",
          "{\"type\":1.0,\"payload\":null}",
          "{\"type\":\"1\",\"payload\":null}",
          "{\"type\":true}",
          "{\"type\":[2]}",
          "{\"type\":99999999999999999999,\"payload\":\"\"}",
          "null",
          "[]",
          "1",
          "\"x\"",
        })
    void next_typeIsNeitherFileNorSegment_isCorrupted(String document) {
      assertCorrupted(document);
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "{\"type\":1,\"name\":\"a\",\"size\":-1,\"payload\":\"YUw+7uLYEAA=\"}",
          "{\"type\":1,\"name\":\"a\",\"size\":9223372036854775808,\"payload\":\"YUw+7uLYEAA=\"}",
          "{\"type\":1,\"name\":\"a\",\"size\":6.5,\"payload\":\"YUw+7uLYEAA=\"}",
          "{\"type\":1,\"name\":\"a\",\"size\":\"6\",\"payload\":\"YUw+7uLYEAA=\"}",
          "{\"type\":1,\"name\":\"a\",\"size\":06,\"payload\":\"YUw+7uLYEAA=\"}",
        })
    void next_sizeIsNoLength_isCorrupted(String document) {
      assertCorrupted(document);
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "{\"type\":1,\"name\":\"a\",\"size\":6}",
          "{\"type\":1,\"name\":\"a\",\"size\":6,\"payload\":null}",
          "{\"type\":1,\"name\":\"a\",\"size\":6,\"payload\":\"\"}",
          "{\"type\":1,\"name\":\"a\",\"size\":6,\"payload\":\"YUw+7uLYEA==\"}",
          "{\"type\":1,\"name\":\"a\",\"size\":6,\"payload\":\"YUw+7uLYEAAA\"}",
          "{\"type\":1,\"name\":\"a\",\"size\":6,\"payload\":17}",
        })
    void next_fileWithoutChecksum_isCorrupted(String document) {
      assertCorrupted(document);
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "{\"type\":2,\"payload\":\"A\"}",
          "{\"type\":2,\"payload\":\"AQI\"}",
          "{\"type\":2,\"payload\":\"A-_=\"}",
          "{\"type\":2,\"payload\":[1,2]}",
          "{\"type\":2,\"payload\":{}}",
          "{\"type\":1,\"name_raw\":\"?\"}",
          "{\"type\":1,\"name\":7}",
        })
    void next_malformedBase64OrName_isCorrupted(String document) {
      assertCorrupted(document);
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "{",
          "{\"type\"",
          "{\"type\":",
          "{\"type\":2",
          "{\"type\":2,",
          "{\"type\":2,\"payload\":\"AQ",
          "{\"type\":2,\"payload\":\"AQ==\"",
          "{\"x\":[",
          "{\"x\":{\"y\":1}",
        })
    void next_cutOff_isCorrupted(String document) {
      assertCorrupted(document);
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "{'type':2}",
          "{type:2}",
          "{\"type\":2,}",
          "{\"type\":2 \"payload\":\"\"}",
          "{\"type\":2,\"payload\":\"\"}}",
          "{\"type\":2,\"payload\":\"\"},",
          "{\"type\":2,\"payload\":\"\"}x",
          "// comment\n{\"type\":2,\"payload\":\"\"}",
          "{\"type\":1,\"name\":\"a\nb\"}",
          "{\"type\":1,\"name\":\"\\x41\"}",
          "{\"type\":NaN}",
        })
    void next_notJson_isCorrupted(String document) {
      assertCorrupted(document);
    }

    @Test
    void next_segmentTooLong_isCorrupted() {
      String payload =
          Base64.getEncoder().encodeToString(new byte[EntryReader.MAX_PAYLOAD_BYTES + 1]);

      assertCorrupted("{\"type\":2,\"payload\":\"" + payload + "\"}");
    }

    @Test
    void next_lineOfAGibibyte_isCorruptedEarly() {
      CountingSource endless = new CountingSource("{\"type\":2,\"payload\":\"", 'A', 1L << 30);

      assertThrows(StoreCorruptedException.class, () -> SplitLayer.entries(endless));
      assertTrue(endless.read < 16 << 20, () -> endless.read + " bytes were read");
    }

    @Test
    void next_nameOfAGibibyte_isCorruptedEarly() {
      CountingSource endless = new CountingSource("{\"type\":1,\"name\":\"", 'A', 1L << 30);

      assertThrows(StoreCorruptedException.class, () -> SplitLayer.entries(endless));
      assertTrue(endless.read < 16 << 20, () -> endless.read + " bytes were read");
    }

    @Test
    void next_memberNameOfAGibibyte_isCorruptedEarly() {
      CountingSource endless = new CountingSource("{\"", 'A', 1L << 30);

      assertThrows(StoreCorruptedException.class, () -> SplitLayer.entries(endless));
      assertTrue(endless.read < 1 << 20, () -> endless.read + " bytes were read");
    }

    @Test
    void next_numberOfAGibibyte_isCorruptedEarly() {
      CountingSource endless = new CountingSource("{\"size\":", '1', 1L << 30);

      assertThrows(StoreCorruptedException.class, () -> SplitLayer.entries(endless));
      assertTrue(endless.read < 16 << 20, () -> endless.read + " bytes were read");
    }

    @ParameterizedTest
    @ValueSource(strings = {" ", "{", "{\"x\":\"", "{\"x\":["})
    void next_gibibyteThatIsIgnored_isCorruptedEarly(String start) {
      CountingSource endless =
          new CountingSource(start, start.endsWith("\"") ? 'A' : ' ', 1L << 30);

      assertThrows(StoreCorruptedException.class, () -> SplitLayer.entries(endless));
      assertTrue(endless.read < 16 << 20, () -> endless.read + " bytes were read");
    }

    @Test
    void next_deepNesting_isCorruptedEarly() {
      CountingSource endless = new CountingSource("{\"x\":", '[', 1L << 30);

      assertThrows(StoreCorruptedException.class, () -> SplitLayer.entries(endless));
      assertTrue(endless.read < 1 << 20, () -> endless.read + " bytes were read");
    }

    @Test
    void next_thousandsOfUnknownNames_isCorrupted() {
      String members =
          IntStream.range(0, 5000)
              .mapToObj(i -> "\"m" + i + "\":0")
              .collect(Collectors.joining(","));

      assertCorrupted("{\"type\":2,\"payload\":\"\",\"x\":{" + members + "}}");
    }
  }

  @Nested
  class Sources {

    @Test
    void next_sourceFails_throwsThat() {
      IOException failure = new IOException("disk");

      IOException thrown =
          assertThrows(
              IOException.class,
              () ->
                  SplitLayer.entries(
                      new SequenceInputStream(source(file("a")), new Failing(failure))));

      assertSame(failure, thrown);
    }

    @Test
    void next_sourceCannotBeDecompressed_isCorrupted() {
      ArchiveException failure = new ArchiveException(Kind.MALFORMED, "the gzip data is cut off");

      StoreCorruptedException thrown =
          assertThrows(
              StoreCorruptedException.class,
              () ->
                  SplitLayer.entries(
                      new SequenceInputStream(source(file("a")), new Failing(failure))));

      assertSame(failure, thrown.getCause());
      assertEquals(SplitLayer.DOCUMENT, thrown.file());
    }

    @Test
    void close_closesTheDocument() throws IOException {
      boolean[] closed = {false};
      new EntryReader(
              new ByteArrayInputStream(new byte[0]) {
                @Override
                public void close() {
                  closed[0] = true;
                }
              },
              SplitLayer.DOCUMENT)
          .close();

      assertTrue(closed[0]);
    }
  }

  @Nested
  class Fuzz {

    private final byte[] valid = document();

    @Test
    void next_flippedBits_isReadOrATypedError() {
      Random random = new Random(5);
      for (int i = 0; i < 20_000; i++) {
        byte[] damaged = valid.clone();
        for (int k = random.nextInt(4); k >= 0; k--) {
          damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
        }
        assertReadOrTypedError(damaged);
      }
    }

    @Test
    void next_everyTruncation_isReadOrATypedError() {
      for (int length = 0; length < valid.length; length++) {
        assertReadOrTypedError(Arrays.copyOf(valid, length));
      }
    }

    @Test
    void next_randomBytes_isReadOrATypedError() {
      Random random = new Random(6);
      for (int i = 0; i < 20_000; i++) {
        byte[] bytes = new byte[random.nextInt(60)];
        random.nextBytes(bytes);
        assertReadOrTypedError(bytes);
      }
    }

    @Test
    void next_randomTokens_isReadOrATypedError() {
      String[] tokens = {
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\"type\"",
        "\"name\"",
        "\"name_raw\"",
        "\"size\"",
        "\"payload\"",
        "\"position\"",
        "\"x\"",
        "1",
        "2",
        "-1",
        "6",
        "0.5",
        "null",
        "true",
        "\"AQID\"",
        "\"YUw+7uLYEAA=\"",
        " ",
        "\n",
        "\\u0000",
        "\ud83d\ude00"
      };
      Random random = new Random(7);
      for (int i = 0; i < 20_000; i++) {
        StringBuilder document =
            new StringBuilder(random.nextBoolean() ? "{\"type\":1," : "{\"type\":2,");
        for (int k = random.nextInt(20); k >= 0; k--) {
          document.append(tokens[random.nextInt(tokens.length)]);
        }
        assertReadOrTypedError(document.toString().getBytes(StandardCharsets.UTF_8));
      }
    }

    private byte[] document() {
      return (file("a")
              + "{\"type\":1,\"name_raw\":\"6Q==\",\"payload\":null,\"position\":1}\n"
              + "{\"type\":2,\"payload\":\"AQIDBAUGBwgJCgs=\",\"position\":2}\n"
              + "{\"type\":1,\"name\":\"\\u003cx\\n\u20ac\",\"size\":12,\"payload\":\""
              + CRC
              + "\",\"future\":[{}],\"position\":3}\n")
          .getBytes(StandardCharsets.UTF_8);
    }

    private void assertReadOrTypedError(byte[] document) {
      try {
        SplitLayer.entries(new ByteArrayInputStream(document));
      } catch (StoreCorruptedException e) {
        assertEquals(SplitLayer.DOCUMENT, e.file());
      } catch (IOException | RuntimeException e) {
        throw new AssertionError(new String(document, StandardCharsets.ISO_8859_1), e);
      }
    }
  }

  private static String file(String name) {
    return "{\"type\":1,\"name\":\""
        + name
        + "\",\"size\":6,\"payload\":\""
        + CRC
        + "\",\"position\":0}";
  }

  private static ByteArrayInputStream source(String document) {
    return new ByteArrayInputStream(document.getBytes(StandardCharsets.UTF_8));
  }

  private static List<Entry> read(String document) throws IOException {
    return SplitLayer.entries(source(document));
  }

  private static void assertCorrupted(String document) {
    LayerStoreException thrown = assertThrows(StoreCorruptedException.class, () -> read(document));
    assertTrue(thrown.getMessage().startsWith(SplitLayer.DOCUMENT), thrown.getMessage());
  }

  /** Throws at the first read. */
  private static final class Failing extends InputStream {
    private final IOException failure;

    Failing(IOException failure) {
      this.failure = failure;
    }

    @Override
    public int read() throws IOException {
      throw failure;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      throw failure;
    }
  }

  /** A beginning, and then one byte many times. */
  private static final class CountingSource extends InputStream {
    private final byte[] start;
    private final byte rest;
    private final long length;
    long read;

    CountingSource(String start, char rest, long length) {
      this.start = start.getBytes(StandardCharsets.US_ASCII);
      this.rest = (byte) rest;
      this.length = length;
    }

    @Override
    public int read() {
      if (read == length) {
        return -1;
      }
      return read < start.length ? start[(int) read++] : next();
    }

    private int next() {
      read++;
      return rest;
    }

    @Override
    public int read(byte[] target, int offset, int count) {
      int done = 0;
      while (done < count && read < length) {
        target[offset + done++] = (byte) read();
      }
      return done == 0 ? -1 : done;
    }
  }
}
