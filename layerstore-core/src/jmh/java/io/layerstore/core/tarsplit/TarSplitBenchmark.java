package io.layerstore.core.tarsplit;

import io.layerstore.ByteString;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.LayerPath;
import io.layerstore.spi.FileGetter;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.MessageDigest;
import java.util.Random;
import java.util.concurrent.TimeUnit;
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
 * A layer of 20,000 files of 4 KiB taken apart and put together, without a file system. The floor
 * is one pass of SHA-256 over the same bytes, which no export can do without.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(1)
public class TarSplitBenchmark {

  private static final int FILES = 20_000;

  private final byte[] header = new byte[512];
  private final byte[] content = new byte[4096];
  private final byte[] buffer = new byte[64 << 10];
  private byte[] document;
  private DiffId diffId;

  /** Makes the document. */
  @Setup
  public void split() throws IOException {
    Random random = new Random(1);
    random.nextBytes(header);
    random.nextBytes(content);
    ByteArrayOutputStream written = new ByteArrayOutputStream();
    disassemble(written);
    document = written.toByteArray();
    diffId = new DiffId(Digest.sha256(sha256()));
  }

  /** The floor: the digest of the archive. */
  @Benchmark
  public byte[] sha256() {
    MessageDigest digest = Digest.Algorithm.SHA256.newMessageDigest();
    for (int i = 0; i < FILES; i++) {
      digest.update(header);
      digest.update(content);
    }
    return digest.digest();
  }

  /** The checksums of all files. */
  @Benchmark
  public long crc64() {
    Crc64 crc = new Crc64();
    for (int i = 0; i < FILES; i++) {
      crc.update(content, 0, content.length);
    }
    return crc.getValue();
  }

  /** Headers and checksums into a document. */
  @Benchmark
  public void disassemble() throws IOException {
    disassemble(OutputStream.nullOutputStream());
  }

  private void disassemble(OutputStream target) throws IOException {
    try (Disassembler disassembler = new Disassembler(target)) {
      for (int i = 0; i < FILES; i++) {
        disassembler.raw(header, 0, header.length);
        Crc64 crc = new Crc64();
        crc.update(content, 0, content.length);
        disassembler.file(
            ByteString.utf8("usr/share/doc/file" + i), content.length, crc.getValue());
      }
    }
  }

  /** The archive out of the document and the files, verified. */
  @Benchmark
  public long assemble() throws IOException {
    long length = 0;
    try (InputStream assembled =
        new AssembledStream(
            new ByteArrayInputStream(document),
            "document",
            new Contents(),
            diffId,
            Runnable::run)) {
      int count;
      while ((count = assembled.read(buffer)) >= 0) {
        length += count;
      }
    }
    return length;
  }

  private final class Contents implements FileGetter {
    @Override
    public InputStream open(LayerPath path, long sizeBytes) {
      return new ByteArrayInputStream(content);
    }

    @Override
    public void close() {}
  }
}
