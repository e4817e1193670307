package io.layerstore.core.tar;

import static io.layerstore.testing.TarHeaderBlock.named;

import io.layerstore.Digest;
import io.layerstore.Limits;
import io.layerstore.testing.TarBuilder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.Blackhole;

/**
 * The time for one entry of an archive of small files. The floor is SHA-256 over the same bytes,
 * which runs beside the parser whenever a layer is registered.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(1)
public class TarReaderBenchmark {

  private static final int FILES = 20_000;

  /**
   * Whether each file has a PAX header with its times, as files of current engines' builders do.
   */
  @Param({"false", "true"})
  public boolean pax;

  private final EntryMapper mapper = new EntryMapper(Limits.DEFAULT, false);
  private final byte[] buffer = new byte[64 << 10];
  private byte[] archive;

  /** Makes the archive. */
  @Setup
  public void build() {
    TarBuilder tar = new TarBuilder();
    for (int i = 0; i < FILES; i++) {
      if (pax) {
        tar.pax("atime", "1600000000.123456789", "mtime", "1600000000.123456789");
      }
      tar.file(named("usr/share/doc/package/file" + i), "content");
    }
    archive = tar.end().toBytes();
  }

  /** The floor: the digest of the archive. */
  @Benchmark
  @OperationsPerInvocation(FILES)
  public byte[] sha256() {
    return Digest.Algorithm.SHA256.newMessageDigest().digest(archive);
  }

  /** Parsing, and deciding what each entry means. */
  @Benchmark
  @OperationsPerInvocation(FILES)
  public void read(Blackhole hole) throws IOException {
    TarReader reader =
        new TarReader(
            new ByteArrayInputStream(archive),
            Limits.DEFAULT,
            new TarReader.RawBytes() {
              @Override
              public void bytes(byte[] bytes, int offset, int length) {
                hole.consume(length);
              }

              @Override
              public void endOfArchive() {}
            });
    for (TarHeader header; (header = reader.next()) != null; ) {
      hole.consume(mapper.map(header));
      while (reader.payload().read(buffer) >= 0) {}
    }
    reader.drainTail();
  }

  /** Parsing by the library that the reader replaces. */
  @Benchmark
  @OperationsPerInvocation(FILES)
  public void readWithCommonsCompress(Blackhole hole) throws IOException {
    try (TarArchiveInputStream in = new TarArchiveInputStream(new ByteArrayInputStream(archive))) {
      for (var entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
        hole.consume(entry);
        while (in.read(buffer) >= 0) {}
      }
    }
  }
}
