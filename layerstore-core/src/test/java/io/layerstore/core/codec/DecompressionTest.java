package io.layerstore.core.codec;

import static io.layerstore.core.codec.Compress.concat;
import static io.layerstore.core.codec.Compress.gzip;
import static io.layerstore.core.codec.Compress.gzipMember;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.github.luben.zstd.Zstd;
import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.LayerStoreException;
import io.layerstore.Limits;
import io.layerstore.testing.Refusals;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class DecompressionTest {

  private static final int FLAG_HEADER_CRC = 2;
  private static final int FLAG_EXTRA = 4;
  private static final int FLAG_NAME = 8;
  private static final int FLAG_COMMENT = 16;

  private static final byte[] PLAIN = plain(300_000);

  @Nested
  class EveryFormat {

    @ParameterizedTest
    @EnumSource
    void read_compressed_isThePlainBytes(CompressionFormat format) throws IOException {
      TestSource source = TestSource.of(Compress.with(format, PLAIN));
      try (DecompressedStream stream = Decompression.open(source, Limits.DEFAULT)) {
        assertEquals(format, stream.format());
        assertArrayEquals(PLAIN, stream.readAllBytes());
        assertEquals(-1, stream.read());
      }
    }

    @ParameterizedTest
    @EnumSource
    void read_sourceOfSingleBytes_isThePlainBytes(CompressionFormat format) throws IOException {
      TestSource source = TestSource.inPieces(Compress.with(format, PLAIN), 1);

      assertArrayEquals(PLAIN, Decompression.open(source, Limits.DEFAULT).readAllBytes());
    }

    @ParameterizedTest
    @EnumSource
    void read_byteByByte_isThePlainBytes(CompressionFormat format) throws IOException {
      byte[] plain = plain(3000);
      InputStream stream =
          Decompression.open(TestSource.of(Compress.with(format, plain)), Limits.DEFAULT);
      ByteArrayOutputStream read = new ByteArrayOutputStream();
      int b;
      while ((b = stream.read()) >= 0) {
        read.write(b);
      }

      assertArrayEquals(plain, read.toByteArray());
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void read_nothingCompressed_isNoBytes(CompressionFormat format) throws IOException {
      DecompressedStream stream =
          Decompression.open(TestSource.of(Compress.with(format, new byte[0])), Limits.DEFAULT);

      assertEquals(format, stream.format());
      assertEquals(-1, stream.read());
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void read_twoStreamsInARow_isBoth(CompressionFormat format) throws IOException {
      byte[] compressed = Compress.with(format, PLAIN);
      TestSource source = TestSource.inPieces(concat(compressed, compressed), compressed.length);

      assertArrayEquals(
          concat(PLAIN, PLAIN), Decompression.open(source, Limits.DEFAULT).readAllBytes());
    }

    @ParameterizedTest
    @EnumSource
    void read_toTheEnd_endsTheSourceAndLeavesItOpen(CompressionFormat format) throws IOException {
      TestSource source = TestSource.of(Compress.with(format, PLAIN));
      try (DecompressedStream stream = Decompression.open(source, Limits.DEFAULT)) {
        stream.readAllBytes();
        assertEquals(source.position(), stream.compressedBytes());
      }

      assertTrue(source.isEnded());
      assertEquals(0, source.readsAfterEnd());
      assertFalse(source.isClosed());
    }

    @ParameterizedTest
    @EnumSource
    void close_midway_leavesTheSourceOpen(CompressionFormat format) throws IOException {
      TestSource source = TestSource.of(Compress.with(format, PLAIN));
      DecompressedStream stream = Decompression.open(source, Limits.DEFAULT);
      stream.read();
      stream.close();
      stream.close();

      assertFalse(source.isClosed());
      assertThrows(IOException.class, stream::read);
    }

    @ParameterizedTest
    @EnumSource
    void read_sourceFails_throwsThat(CompressionFormat format) throws IOException {
      byte[] compressed = Compress.with(format, PLAIN);
      IOException failure = new IOException("network");
      TestSource source =
          TestSource.failing(Arrays.copyOf(compressed, compressed.length / 2), failure);
      InputStream stream = Decompression.open(source, Limits.DEFAULT);

      assertSame(failure, assertThrows(IOException.class, stream::readAllBytes));
      assertSame(failure, assertThrows(IOException.class, stream::read));
      assertEquals(0, source.readsAfterEnd());
    }

    @ParameterizedTest
    @EnumSource
    void read_sourceFailsUnchecked_throwsThat(CompressionFormat format) throws IOException {
      byte[] compressed = Compress.with(format, PLAIN);
      RuntimeException failure = new UncheckedIOException(new IOException("network"));
      TestSource source =
          TestSource.failing(Arrays.copyOf(compressed, compressed.length / 2), failure);
      InputStream stream = Decompression.open(source, Limits.DEFAULT);

      assertSame(failure, assertThrows(RuntimeException.class, stream::readAllBytes));
    }

    @ParameterizedTest
    @EnumSource
    void open_sourceFailsAtOnce_throwsThat(CompressionFormat format) throws IOException {
      IOException failure = new IOException("network");
      TestSource source =
          TestSource.failing(Arrays.copyOf(Compress.with(format, PLAIN), 3), failure);

      assertSame(
          failure,
          assertThrows(IOException.class, () -> Decompression.open(source, Limits.DEFAULT)));
      assertFalse(source.isClosed());
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void read_cutOffAnywhere_isMalformed(CompressionFormat format) throws IOException {
      byte[] compressed = Compress.with(format, plain(500));
      for (int length = CompressionFormat.MAGIC_BYTES; length < compressed.length; length++) {
        TestSource source = TestSource.of(Arrays.copyOf(compressed, length));

        assertMalformed(source, "cut at " + length);
        assertEquals(0, source.readsAfterEnd());
      }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void read_flippedBits_isThePlainBytesOrMalformed(CompressionFormat format) throws IOException {
      byte[] plain = plain(400);
      byte[] compressed = Compress.with(format, plain);
      for (int bit = 0; bit < 8 * compressed.length; bit++) {
        byte[] damaged = compressed.clone();
        damaged[bit / 8] ^= (byte) (1 << (bit % 8));
        try {
          InputStream stream = Decompression.open(TestSource.of(damaged), Limits.DEFAULT);
          stream.readAllBytes(); // zstd without a checksum, or no magic any more: other bytes
        } catch (ArchiveException expected) {
          assertTrue(
              Set.of(Kind.MALFORMED, Kind.LIMIT_EXCEEDED).contains(expected.kind()),
              expected.getMessage());
          assertTrue(expected.entryIndex().isEmpty(), expected.getMessage());
        }
      }
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void read_garbageAfterTheEnd_isMalformed(CompressionFormat format) throws IOException {
      byte[] compressed = Compress.with(format, plain(500));

      assertMalformed(
          TestSource.of(concat(compressed, "garbage".getBytes(StandardCharsets.US_ASCII))),
          "garbage");
      assertMalformed(TestSource.of(concat(compressed, new byte[] {7})), "one byte");
    }

    @ParameterizedTest
    @ValueSource(strings = {"garbage", "\u0000\u0000garbage", "\u001f", "\u001fgarbage", "g"})
    void readArchive_somethingElseAfterGzip_isToldAtTheEnd(String rest) throws IOException {
      byte[] plain = plain(500);
      byte[] compressed = concat(gzip(plain), rest.getBytes(StandardCharsets.US_ASCII));
      TestSource source = TestSource.inPieces(compressed, 3);
      try (DecompressedStream stream = Decompression.openArchive(source, Limits.DEFAULT)) {
        assertArrayEquals(plain, stream.readAllBytes());
        assertTrue(stream.isFollowedBySomethingElse());
        assertEquals(compressed.length, stream.compressedBytes());
      }
    }

    @Test
    void readArchive_zerosAfterGzip_areNothing() throws IOException {
      byte[] compressed = concat(gzip(plain(500)), new byte[10_000]);
      try (DecompressedStream stream =
          Decompression.openArchive(TestSource.of(compressed), Limits.DEFAULT)) {
        assertArrayEquals(plain(500), stream.readAllBytes());
        assertFalse(stream.isFollowedBySomethingElse());
      }
    }

    @Test
    void readArchive_cutSecondMember_isMalformed() {
      Refusals.assertRefused(
          Kind.MALFORMED,
          () -> {
            byte[] member = gzip(plain(500));
            byte[] compressed = concat(member, java.util.Arrays.copyOf(member, 20));
            Decompression.openArchive(TestSource.of(compressed), Limits.DEFAULT).readAllBytes();
          });
    }

    @ParameterizedTest
    @EnumSource(names = {"BZIP2", "XZ", "ZSTD"})
    void readArchive_somethingElseAfterOtherFormats_isMalformed(CompressionFormat format)
        throws IOException {
      byte[] compressed = concat(Compress.with(format, plain(500)), new byte[] {7});
      Refusals.assertRefused(
          Kind.MALFORMED,
          () ->
              Decompression.openArchive(TestSource.of(compressed), Limits.DEFAULT).readAllBytes());
    }

    @Test
    void readArchive_endlessGarbage_exceedsALimit() throws IOException {
      Limits limits = Limits.builder().maxUnpackedBytes(1 << 20).build();
      GeneratedSource source = new GeneratedSource(gzip(plain(500)), 'g', 64 << 20);
      Refusals.assertRefused(
          Kind.LIMIT_EXCEEDED, () -> Decompression.openArchive(source, limits).readAllBytes());
      assertTrue(source.position < 2 << 20, () -> source.position + " bytes were read");
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void read_compressedGarbage_isThatGarbage(CompressionFormat format) throws IOException {
      byte[] garbage = new byte[10_000];
      new Random(11).nextBytes(garbage);

      assertArrayEquals(
          garbage,
          Decompression.open(TestSource.of(Compress.with(format, garbage)), Limits.DEFAULT)
              .readAllBytes());
    }

    @Test
    void read_randomBytesBehindEveryMagic_isMalformedOrPlain() {
      byte[][] magics = {
        {0x1f, (byte) 0x8b, 8},
        {'B', 'Z', 'h', '9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59},
        {(byte) 0xfd, '7', 'z', 'X', 'Z', 0},
        {0x28, (byte) 0xb5, 0x2f, (byte) 0xfd},
        {0x50, 0x2a, 0x4d, 0x18},
        {}
      };
      Random random = new Random(12);
      for (int i = 0; i < 3000; i++) {
        byte[] rest = new byte[random.nextInt(300)];
        random.nextBytes(rest);
        byte[] bytes = concat(magics[random.nextInt(magics.length)], rest);
        try {
          Decompression.open(TestSource.of(bytes), Limits.DEFAULT).readAllBytes();
        } catch (IOException e) {
          assertTrue(e instanceof LayerStoreException, () -> e.toString());
        }
      }
    }
  }

  @Nested
  class Detection {

    @Test
    void open_noBytes_isUncompressed() throws IOException {
      DecompressedStream stream = Decompression.open(TestSource.of(new byte[0]), Limits.DEFAULT);

      assertEquals(CompressionFormat.NONE, stream.format());
      assertEquals(-1, stream.read());
    }

    @Test
    void open_shorterThanAnyMagic_isUncompressed() throws IOException {
      byte[] bytes = {0x1f, (byte) 0x8b};
      DecompressedStream stream = Decompression.open(TestSource.of(bytes), Limits.DEFAULT);

      assertEquals(CompressionFormat.NONE, stream.format());
      assertArrayEquals(bytes, stream.readAllBytes());
    }

    @ParameterizedTest
    @ValueSource(strings = {"BZh", "BZh9-notes.txt", "BZhello world", "(not zstd", "ustar"})
    void open_fileNameThatLooksLikeAMagic_isUncompressed(String name) throws IOException {
      byte[] bytes = name.getBytes(StandardCharsets.US_ASCII);

      DecompressedStream stream = Decompression.open(TestSource.of(bytes), Limits.DEFAULT);

      assertEquals(CompressionFormat.NONE, stream.format());
      assertArrayEquals(bytes, stream.readAllBytes());
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 7, 15})
    void open_zstdSkippableFrameFirst_isZstd(int nibble) throws IOException {
      byte[] compressed =
          concat(
              Compress.zstdSkippableFrame(nibble, new byte[100]),
              Zstd.compress(PLAIN),
              Compress.zstdSkippableFrame(3, new byte[0]));

      DecompressedStream stream =
          Decompression.open(TestSource.inPieces(compressed, 5), Limits.DEFAULT);

      assertEquals(CompressionFormat.ZSTD, stream.format());
      assertArrayEquals(PLAIN, stream.readAllBytes());
    }

    @Test
    void open_sourceThatReturnsZeroBytes_isReadAllTheSame() throws IOException {
      TestSource source = TestSource.of(gzip(PLAIN));
      InputStream lazy =
          new InputStream() {
            @Override
            public int read() throws IOException {
              return source.read();
            }

            @Override
            public int read(byte[] target, int offset, int length) throws IOException {
              return source.position() % 2 == 0
                  ? 0
                  : source.read(target, offset, Math.min(length, 2));
            }
          };

      assertArrayEquals(PLAIN, Decompression.open(lazy, Limits.DEFAULT).readAllBytes());
    }
  }

  @Nested
  class Gzip {

    @Test
    void read_memberEndsWhereABufferEnds_goesOn() throws IOException {
      byte[] member = gzip(plain(1000));
      TestSource source = TestSource.inPieces(concat(member, member, member), member.length);

      assertArrayEquals(
          concat(plain(1000), plain(1000), plain(1000)),
          Decompression.open(source, Limits.DEFAULT).readAllBytes());
    }

    /** The form of eStargz layers. */
    @Test
    void read_5000MembersFromASourceThatHasNothingAvailable_isAllOfThem() throws IOException {
      byte[] member = gzip(plain(100));
      byte[][] members = new byte[5000][];
      byte[][] plains = new byte[5000][];
      Arrays.fill(members, member);
      Arrays.fill(plains, plain(100));
      TestSource source = TestSource.inPieces(concat(members), member.length);

      assertArrayEquals(concat(plains), Decompression.open(source, Limits.DEFAULT).readAllBytes());
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, 8, 512, 100_000})
    void read_zerosAfterTheLastMember_areIgnored(int zeros) throws IOException {
      TestSource source = TestSource.of(concat(gzip(PLAIN), new byte[zeros]));

      assertArrayEquals(PLAIN, Decompression.open(source, Limits.DEFAULT).readAllBytes());
      assertTrue(source.isEnded());
    }

    @Test
    void read_memberAfterZeros_isMalformed() throws IOException {
      assertMalformed(
          TestSource.of(concat(gzip(PLAIN), new byte[100], gzip(PLAIN))), "member after zeros");
    }

    @Test
    void read_everyHeaderField_isSkipped() throws IOException {
      byte[] fields =
          concat(
              new byte[] {5, 0, 1, 2, 3, 4, 5},
              "name\u0000".getBytes(StandardCharsets.ISO_8859_1),
              "comment\u0000".getBytes(StandardCharsets.ISO_8859_1));
      CRC32 crc = new CRC32();
      int flags = FLAG_EXTRA | FLAG_NAME | FLAG_COMMENT | FLAG_HEADER_CRC;
      crc.update(gzipMember(flags, fields, new byte[0]), 0, 10 + fields.length);
      byte[] headerCrc = {(byte) crc.getValue(), (byte) (crc.getValue() >> 8)};

      byte[] compressed = gzipMember(flags, concat(fields, headerCrc), plain(100));

      assertArrayEquals(
          plain(100), Decompression.open(TestSource.of(compressed), Limits.DEFAULT).readAllBytes());
      compressed[13]++;
      assertMalformed(TestSource.of(compressed), "header checksum");
    }

    @Test
    void read_longestExtraField_isSkipped() throws IOException {
      byte[] extra = new byte[2 + 0xffff];
      extra[0] = (byte) 0xff;
      extra[1] = (byte) 0xff;

      assertArrayEquals(
          plain(100),
          Decompression.open(
                  TestSource.of(gzipMember(FLAG_EXTRA, extra, plain(100))), Limits.DEFAULT)
              .readAllBytes());
    }

    @ParameterizedTest
    @ValueSource(ints = {FLAG_NAME, FLAG_COMMENT})
    void read_headerTextOf64MiB_exceedsALimitEarly(int flag) {
      GeneratedSource source =
          new GeneratedSource(
              new byte[] {0x1f, (byte) 0x8b, 8, (byte) flag, 0, 0, 0, 0, 0, 3}, 'n', 64 << 20);

      Refusals.assertRefused(
          Kind.LIMIT_EXCEEDED,
          () ->
              Decompression.open(source, Limits.NONE)
                  .transferTo(ByteArrayOutputStream.nullOutputStream()));
      assertTrue(source.position < 1 << 20, () -> source.position + " bytes were read");
    }

    @Test
    void read_halfAMillionEmptyMembers_isNoBytes() throws IOException {
      byte[] member = gzipMember(0, new byte[0], new byte[0]);
      byte[] members = new byte[500_000 * member.length];
      for (int i = 0; i < members.length; i += member.length) {
        System.arraycopy(member, 0, members, i, member.length);
      }

      assertEquals(-1, Decompression.open(TestSource.of(members), Limits.DEFAULT).read());
    }

    @Test
    void read_reservedFlag_isMalformed() {
      assertMalformed(TestSource.of(gzipMember(0x20, new byte[0], plain(10))), "flag");
    }

    @Test
    void read_wrongLengthInTrailer_isMalformed() throws IOException {
      byte[] compressed = gzip(plain(1000));
      compressed[compressed.length - 1] ^= 1;

      assertMalformed(TestSource.of(compressed), "length");
    }

    @Test
    void read_wrongChecksumInTrailer_isMalformed() throws IOException {
      byte[] compressed = gzip(plain(1000));
      compressed[compressed.length - 5] ^= 1;

      assertMalformed(TestSource.of(compressed), "checksum");
    }
  }

  @Nested
  class LimitsAndFailures {

    @ParameterizedTest
    @EnumSource
    void read_exactlyTheLimit_isAccepted(CompressionFormat format) throws IOException {
      TestSource source = TestSource.of(Compress.with(format, PLAIN));

      assertArrayEquals(
          PLAIN,
          Decompression.open(source, Limits.builder().maxUnpackedBytes(PLAIN.length).build())
              .readAllBytes());
    }

    @ParameterizedTest
    @EnumSource
    void read_oneByteMoreThanTheLimit_isRefused(CompressionFormat format) throws IOException {
      TestSource source = TestSource.of(Compress.with(format, PLAIN));
      InputStream stream =
          Decompression.open(source, Limits.builder().maxUnpackedBytes(PLAIN.length - 1).build());

      ArchiveException thrown = Refusals.assertRefused(Kind.LIMIT_EXCEEDED, stream::readAllBytes);

      assertEquals(Optional.of("maxUnpackedBytes"), thrown.limitName());
      assertEquals(OptionalLong.of(PLAIN.length - 1), thrown.limit());
    }

    @ParameterizedTest
    @EnumSource(
        mode = EnumSource.Mode.EXCLUDE,
        names = {"NONE"})
    void read_bombBeyondTheRatio_isRefused(CompressionFormat format) throws IOException {
      byte[] bomb = Compress.with(format, new byte[17 << 20]);
      Limits limits = withMaxCompressionRatio(100);

      ArchiveException thrown =
          Refusals.assertRefused(
              Kind.LIMIT_EXCEEDED,
              () ->
                  Decompression.open(TestSource.of(bomb), limits)
                      .transferTo(ByteArrayOutputStream.nullOutputStream()));

      assertEquals(Optional.of("maxCompressionRatio"), thrown.limitName());
    }

    @Test
    void read_bombBelow16MiB_isAccepted() throws IOException {
      byte[] bomb = gzip(new byte[16 << 20]);

      assertEquals(
          16 << 20,
          Decompression.open(TestSource.of(bomb), withMaxCompressionRatio(1))
              .transferTo(ByteArrayOutputStream.nullOutputStream()));
    }

    @Test
    void read_uncompressed_hasNoRatio() throws IOException {
      assertEquals(
          17 << 20,
          Decompression.open(TestSource.of(new byte[17 << 20]), withMaxCompressionRatio(1))
              .transferTo(ByteArrayOutputStream.nullOutputStream()));
    }

    @Test
    void read_256MiBOfZeros_allocatesLittle() throws IOException {
      byte[][] members = new byte[16][];
      Arrays.fill(members, gzip(new byte[16 << 20]));
      TestSource source = TestSource.of(concat(members));
      byte[] buffer = new byte[128 << 10];
      long before = allocatedBytes();

      InputStream stream = Decompression.open(source, Limits.DEFAULT);
      long length = 0;
      int count;
      while ((count = stream.read(buffer)) >= 0) {
        length += count;
      }

      long allocated = allocatedBytes() - before;
      assertEquals(256 << 20, length);
      assertTrue(allocated < 2 << 20, () -> allocated + " bytes were allocated");
    }

    /** What this thread has taken from the heap so far. */
    private long allocatedBytes() {
      assumeTrue(
          ManagementFactory.getThreadMXBean() instanceof com.sun.management.ThreadMXBean,
          "this JVM does not count allocated bytes");
      return ((com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean())
          .getCurrentThreadAllocatedBytes();
    }

    @Test
    void read_xzThatWantsAGibibyte_exceedsALimit() throws IOException {
      byte[] compressed = Compress.xz(plain(100), 1 << 20);
      // The header of the first block follows 12 bytes: size, flags, filter, properties' size,
      // dictionary size.
      assertEquals(0x21, compressed[14]);
      compressed[16] = 36; // 1 GiB
      CRC32 crc = new CRC32();
      int headerBytes = (compressed[12] + 1) * 4;
      crc.update(compressed, 12, headerBytes - 4);
      for (int i = 0; i < 4; i++) {
        compressed[12 + headerBytes - 4 + i] = (byte) (crc.getValue() >> (8 * i));
      }

      Refusals.assertRefused(
          Kind.LIMIT_EXCEEDED,
          () -> Decompression.open(TestSource.of(compressed), Limits.NONE).readAllBytes());
    }

    @Test
    void read_zstdWindowOfAGibibyte_isMalformed() {
      // A frame header: magic, descriptor without single segment, window descriptor 2^30.
      byte[] frame = {0x28, (byte) 0xb5, 0x2f, (byte) 0xfd, 0, (byte) ((30 - 10) << 3), 1, 0, 0};

      assertMalformed(TestSource.of(frame), "window");
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void read_damagedStart_stopsReadingTheSource(CompressionFormat format) throws IOException {
      byte[] compressed = Compress.with(format, plain(50));
      Arrays.fill(compressed, 12, compressed.length, (byte) 0xff);
      GeneratedSource source = new GeneratedSource(compressed, 0xff, 64 << 20);

      assertMalformed(source, "damaged start");
      assertTrue(source.position < 1 << 20, () -> source.position + " bytes were read");
    }

    private Limits withMaxCompressionRatio(long ratio) {
      return Limits.builder().maxCompressionRatio(ratio).build();
    }
  }

  private static void assertMalformed(InputStream source, String what) {
    ArchiveException thrown =
        Refusals.assertRefused(
            Kind.MALFORMED, () -> Decompression.open(source, Limits.DEFAULT).readAllBytes(), what);
    assertTrue(thrown.entryIndex().isEmpty(), what);
  }

  /** Text that compresses, but not to nothing. */
  private static byte[] plain(int length) {
    Random random = new Random(10);
    byte[] bytes = new byte[length];
    for (int i = 0; i < length; i++) {
      bytes[i] = (byte) ('a' + Math.abs(random.nextGaussian() * 4));
    }
    return bytes;
  }

  /** A beginning, and then one byte many times. */
  private static final class GeneratedSource extends InputStream {
    private final byte[] start;
    private final byte rest;
    private final long length;
    long position;

    GeneratedSource(byte[] start, int rest, long length) {
      this.start = start;
      this.rest = (byte) rest;
      this.length = length;
    }

    @Override
    public int read() {
      byte[] one = new byte[1];
      return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int count) {
      if (position == length) {
        return -1;
      }
      int read = (int) Math.min(count, length - position);
      for (int i = 0; i < read; i++, position++) {
        target[offset + i] = position < start.length ? start[(int) position] : rest;
      }
      return read;
    }
  }
}
