package io.layerstore.core.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.Limits;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.SequenceInputStream;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Compression of what is read. */
final class CompressedStreamTest {

  private static final byte[] PLAIN = new byte[300_000];

  static {
    new Random(1).nextBytes(PLAIN);
  }

  private static InputStream compressed(CompressionFormat format) throws IOException {
    return CompressedStream.open(format, new ByteArrayInputStream(PLAIN));
  }

  @ParameterizedTest
  @EnumSource(names = {"NONE", "GZIP", "ZSTD"})
  void read_all_isWhatTheCompressorWrites(CompressionFormat format) throws IOException {
    ByteArrayOutputStream expected = new ByteArrayOutputStream();
    try (OutputStream out = Compressor.open(format, expected)) {
      out.write(PLAIN);
    }

    try (InputStream in = compressed(format)) {
      assertArrayEquals(expected.toByteArray(), in.readAllBytes());
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"GZIP", "ZSTD"})
  void read_littleByLittle_sameBytes(CompressionFormat format) throws IOException {
    ByteArrayOutputStream actual = new ByteArrayOutputStream();
    try (InputStream in = compressed(format)) {
      byte[] three = new byte[3];
      for (int count = in.read(three); count >= 0; count = in.read(three)) {
        actual.write(three, 0, count);
        int single = in.read();
        if (single >= 0) {
          actual.write(single);
        }
      }
      assertEquals(-1, in.read());
    }

    try (InputStream in = compressed(format)) {
      assertArrayEquals(in.readAllBytes(), actual.toByteArray());
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"GZIP", "ZSTD"})
  void read_emptySource_isAnArchiveOfNothing(CompressionFormat format) throws IOException {
    InputStream compressed = CompressedStream.open(format, InputStream.nullInputStream());

    assertEquals(0, Decompression.open(compressed, Limits.NONE).readAllBytes().length);
  }

  @ParameterizedTest
  @EnumSource(names = {"GZIP", "ZSTD"})
  void read_failingSource_failsForEverAndNeverEnds(CompressionFormat format) throws IOException {
    IOException failure = new IOException("gone");
    InputStream failing =
        new InputStream() {
          @Override
          public int read() throws IOException {
            throw failure;
          }

          @Override
          public int read(byte[] target, int offset, int length) throws IOException {
            throw failure;
          }
        };
    InputStream source = new SequenceInputStream(new ByteArrayInputStream(PLAIN), failing);

    try (InputStream in = CompressedStream.open(format, source)) {
      assertSame(failure, assertThrows(IOException.class, in::readAllBytes));
      assertSame(failure, assertThrows(IOException.class, in::read));
    }
  }

  @Test
  void close_beforeTheEnd_closesTheSourceOnce() throws IOException {
    AtomicInteger closed = new AtomicInteger();
    InputStream source =
        new ByteArrayInputStream(PLAIN) {
          @Override
          public void close() {
            closed.incrementAndGet();
          }
        };
    InputStream in = CompressedStream.open(CompressionFormat.ZSTD, source);
    assertTrue(in.read() >= 0);

    in.close();
    in.close();

    assertEquals(1, closed.get());
    assertThrows(IOException.class, in::read);
  }
}
