package io.layerstore.core.codec;

import io.layerstore.ArchiveException;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.zip.Deflater;
import org.apache.commons.compress.compressors.gzip.GzipCompressorOutputStream;
import org.apache.commons.compress.compressors.gzip.GzipParameters;

/**
 * Compresses in a way that depends on the input alone: no times, no names, one thread. Another
 * release of zlib or zstd may still give other bytes.
 */
public final class Compressor {

  /** What Go's {@code compress/gzip} writes in a header: unknown. */
  private static final int UNKNOWN_SYSTEM = 255;

  private static final int BUFFER_BYTES = 64 << 10;

  private Compressor() {}

  /**
   * A stream that compresses what is written to it. Closing it ends the compressed data and leaves
   * {@code target} open.
   *
   * @throws ArchiveException if the library for the format is not there
   * @throws IllegalArgumentException for a format that is only read
   */
  public static OutputStream open(CompressionFormat format, OutputStream target)
      throws IOException {
    OutputStream kept = new KeptOpen(target);
    return switch (format) {
      case NONE -> kept;
      case GZIP -> gzip(kept);
      case ZSTD -> {
        try {
          yield ZstdCodec.compress(kept);
        } catch (LinkageError e) { // also if there is no native library for this platform
          throw ArchiveException.unsupportedCompression(
              format.displayName(), "com.github.luben:zstd-jni", e);
        }
      }
      default -> throw new IllegalArgumentException("cannot compress with " + format.displayName());
    };
  }

  private static OutputStream gzip(OutputStream target) throws IOException {
    GzipParameters parameters = new GzipParameters();
    parameters.setCompressionLevel(Deflater.DEFAULT_COMPRESSION);
    parameters.setOperatingSystem(UNKNOWN_SYSTEM);
    parameters.setBufferSize(BUFFER_BYTES);
    return new GzipCompressorOutputStream(target, parameters);
  }

  /** A stream that belongs to somebody else. */
  private static final class KeptOpen extends FilterOutputStream {
    KeptOpen(OutputStream out) {
      super(out);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      out.write(bytes, offset, length);
    }

    @Override
    public void close() throws IOException {
      out.flush();
    }
  }
}
