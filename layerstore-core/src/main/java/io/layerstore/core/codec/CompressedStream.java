package io.layerstore.core.codec;

import io.layerstore.ArchiveException;
import io.layerstore.driver.Closing;
import io.layerstore.driver.MadeStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/**
 * Compresses a source while it is read. The bytes are those of {@link Compressor}, however much is
 * asked for at a time.
 *
 * <p>When the source fails, the compressed data never gets its end. Memory does not depend on the
 * source.
 */
public final class CompressedStream extends MadeStream {

  private static final int CHUNK_BYTES = 64 << 10;

  private final InputStream source;
  private final Given given = new Given();
  private final OutputStream compressor;
  private final byte[] chunk = new byte[CHUNK_BYTES];
  private boolean isEnded;

  private CompressedStream(CompressionFormat format, InputStream source) throws IOException {
    this.source = source;
    this.compressor = Compressor.open(format, given);
  }

  /**
   * What gives {@code source} compressed; owns it from now on, and closes it if this fails.
   *
   * @throws ArchiveException if the library for the format is not there
   */
  public static InputStream open(CompressionFormat format, InputStream source) throws IOException {
    if (format == CompressionFormat.NONE) {
      return source;
    }
    try {
      return new CompressedStream(format, source);
    } catch (IOException | RuntimeException e) {
      Closing.after(e, source);
      throw e;
    }
  }

  @Override
  protected int make(byte[] target, int offset, int length) throws IOException {
    while (given.isEmpty()) {
      if (isEnded) {
        return -1;
      }
      compressMore();
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
  protected void closeSources() throws IOException {
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
