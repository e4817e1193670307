package io.layerstore.core.codec;

import io.layerstore.UnsupportedCompressionException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Compresses a source while it is read. The bytes are those of {@link Compressor}, however much is
 * asked for at a time.
 *
 * <p>When the source fails, so does every further read, and the compressed data never gets its end:
 * nobody can take the part for the whole. Memory does not depend on the source. Used by one thread
 * at a time.
 */
public final class CompressedStream extends InputStream {

  private static final int CHUNK_BYTES = 64 << 10;

  private final InputStream source;
  private final Given given = new Given();
  private final OutputStream compressor;
  private final byte[] chunk = new byte[CHUNK_BYTES];
  private boolean isEnded;
  private boolean isClosed;
  private @Nullable IOException failure;

  private CompressedStream(CompressionFormat format, InputStream source) throws IOException {
    this.source = source;
    this.compressor = Compressor.open(format, given);
  }

  /**
   * What gives {@code source} compressed; owns it from now on, and closes it if this fails.
   *
   * @throws UnsupportedCompressionException if the library for the format is not there
   */
  public static InputStream open(CompressionFormat format, InputStream source) throws IOException {
    if (format == CompressionFormat.NONE) {
      return source;
    }
    try {
      return new CompressedStream(format, source);
    } catch (IOException | RuntimeException e) {
      try {
        source.close();
      } catch (IOException again) {
        e.addSuppressed(again);
      }
      throw e;
    }
  }

  @Override
  public int read() throws IOException {
    byte[] single = new byte[1];
    return read(single, 0, 1) < 0 ? -1 : single[0] & 0xff;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, target.length);
    if (isClosed) {
      throw new IOException("the stream is closed");
    }
    if (failure != null) {
      throw failure;
    }
    if (length == 0) {
      return 0;
    }
    try {
      while (given.isEmpty()) {
        if (isEnded) {
          return -1;
        }
        compressMore();
      }
    } catch (IOException e) {
      failure = e;
      throw e;
    }
    return given.take(target, offset, length);
  }

  private void compressMore() throws IOException {
    given.clear();
    int count = source.read(chunk, 0, CHUNK_BYTES);
    if (count >= 0) {
      compressor.write(chunk, 0, count);
    } else {
      isEnded = true;
      compressor.close();
    }
  }

  @Override
  public void close() throws IOException {
    if (isClosed) {
      return;
    }
    isClosed = true;
    // The compressor holds memory outside the heap; what it still writes is for nobody.
    try (source) {
      compressor.close();
    }
  }

  /** What the compressor wrote and nobody has read yet. */
  private static final class Given extends ByteArrayOutputStream {
    private int start;

    boolean isEmpty() {
      return start == count;
    }

    void clear() {
      reset();
      start = 0;
    }

    int take(byte[] target, int offset, int length) {
      int taken = Math.min(length, count - start);
      System.arraycopy(buf, start, target, offset, taken);
      start += taken;
      return taken;
    }
  }
}
