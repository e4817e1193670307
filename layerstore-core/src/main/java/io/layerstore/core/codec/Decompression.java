package io.layerstore.core.codec;

import io.layerstore.ArchiveException;
import io.layerstore.Limits;
import io.layerstore.driver.BlockInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.function.LongConsumer;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorInputStream;
import org.tukaani.xz.MemoryLimitException;
import org.tukaani.xz.XZInputStream;

/**
 * Undoes whatever compression a layer archive has, found by its first bytes and nothing else.
 *
 * <p>Knows gzip, bzip2, xz and zstd; anything else, and no bytes at all, is taken as it is. xz and
 * zstd need the libraries {@code org.tukaani:xz} and {@code com.github.luben:zstd-jni}, which are
 * optional.
 */
public final class Decompression {

  private Decompression() {}

  /**
   * The uncompressed bytes of {@code source}, which is read to its end with the result, and never
   * closed.
   *
   * <p>Reads the beginning at once, to see the format and, for some, the first header.
   *
   * @param limits of which {@link Limits#maxUnpackedBytes} and {@link Limits#maxCompressionRatio}
   *     apply
   * @throws ArchiveException if the library for the format is not there
   * @throws IOException what {@link DecompressedStream#read(byte[], int, int)} throws, among it
   *     what {@code source} throws
   */
  public static DecompressedStream open(InputStream source, Limits limits) throws IOException {
    return open(new ArchiveSource(source, null), limits, false);
  }

  /**
   * The same, but what follows gzip data may be anything; {@link
   * DecompressedStream#isFollowedBySomethingElse} tells it at the end. For archives, which have an
   * end mark of their own.
   */
  public static DecompressedStream openArchive(InputStream source, Limits limits)
      throws IOException {
    return open(new ArchiveSource(source, null), limits, true);
  }

  /**
   * The same for an archive on its way into a layer.
   *
   * @param watcher is told how many bytes of the source have been read, each time
   * @throws io.layerstore.OperationInterruptedException at the next read after an interrupt
   */
  public static DecompressedStream openArchive(
      InputStream source, Limits limits, LongConsumer watcher) throws IOException {
    return open(new ArchiveSource(source, watcher), limits, true);
  }

  private static DecompressedStream open(
      ArchiveSource source, Limits limits, boolean toleratesSomethingElse) throws IOException {
    int length = source.prefetch(CompressionFormat.MAGIC_BYTES);
    CompressionFormat format = CompressionFormat.detect(source.array(), length);
    return DecompressedStream.open(format, source, limits, toleratesSomethingElse);
  }

  /** The decoder for {@code format}. */
  static InputStream decoder(CompressionFormat format, ArchiveSource source) throws IOException {
    return switch (format) {
      case NONE -> source;
      case GZIP -> new GzipDecoder(source);
      case BZIP2 -> new BZip2CompressorInputStream(source, true);
      case XZ -> {
        try {
          yield Xz.open(source);
        } catch (LinkageError e) {
          throw ArchiveException.unsupportedCompression(format.displayName(), "org.tukaani:xz", e);
        }
      }
      case ZSTD -> {
        try {
          yield ZstdCodec.open(source);
        } catch (LinkageError e) { // also if there is no native library for this platform
          throw ArchiveException.unsupportedCompression(
              format.displayName(), "com.github.luben:zstd-jni", e);
        }
      }
    };
  }

  /** Undoes xz with the optional library; apart, so that nothing else needs its classes. */
  private static final class Xz {

    private static final String MEMORY_LIMIT_NAME = "xzMemoryKiB";

    /** What {@code xz -9} asks for is 65 MiB. */
    private static final long MAX_MEMORY_BYTES = 128L << 20;

    private Xz() {}

    static InputStream open(ArchiveSource source) throws IOException {
      // A dictionary that the heap cannot hold must be an error, not the end of the host.
      int limitKiB = (int) (Math.min(MAX_MEMORY_BYTES, Runtime.getRuntime().maxMemory() / 2) >> 10);
      return new XzStream(new XZInputStream(source, limitKiB), limitKiB);
    }

    /** Translates the one failure that is not about damaged data. */
    private static final class XzStream extends BlockInputStream {
      private final XZInputStream xz;
      private final int limitKiB;

      XzStream(XZInputStream xz, int limitKiB) {
        this.xz = xz;
        this.limitKiB = limitKiB;
      }

      @Override
      public int read(byte[] target, int offset, int length) throws IOException {
        try {
          return xz.read(target, offset, length);
        } catch (MemoryLimitException e) {
          ArchiveException exceeded = ArchiveException.limitExceeded(MEMORY_LIMIT_NAME, limitKiB);
          exceeded.addSuppressed(e);
          throw exceeded;
        }
      }

      @Override
      public void close() throws IOException {
        xz.close();
      }
    }
  }
}
