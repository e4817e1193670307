package io.layerstore.core.codec;

import io.layerstore.Limits;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorInputStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * 32 MiB of text out of one gzip member, against the JDK's decoder and that of commons-compress.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(1)
public class GzipBenchmark {

  private final byte[] buffer = new byte[64 << 10];
  private byte[] compressed;

  /** Compresses. */
  @Setup
  public void compress() throws IOException {
    Random random = new Random(1);
    byte[] plain = new byte[32 << 20];
    for (int i = 0; i < plain.length; i++) {
      plain[i] = (byte) ('a' + Math.abs(random.nextGaussian() * 4));
    }
    ByteArrayOutputStream written = new ByteArrayOutputStream();
    try (OutputStream out = new GZIPOutputStream(written)) {
      out.write(plain);
    }
    compressed = written.toByteArray();
  }

  /** Ours. */
  @Benchmark
  public long decompression() throws IOException {
    return length(Decompression.open(new ByteArrayInputStream(compressed), Limits.DEFAULT));
  }

  /** The JDK's. */
  @Benchmark
  public long jdk() throws IOException {
    return length(new GZIPInputStream(new ByteArrayInputStream(compressed), 64 << 10));
  }

  /** That of commons-compress. */
  @Benchmark
  public long commonsCompress() throws IOException {
    return length(new GzipCompressorInputStream(new ByteArrayInputStream(compressed), true));
  }

  private long length(InputStream plain) throws IOException {
    try (plain) {
      long length = 0;
      int count;
      while ((count = plain.read(buffer)) >= 0) {
        length += count;
      }
      return length;
    }
  }
}
