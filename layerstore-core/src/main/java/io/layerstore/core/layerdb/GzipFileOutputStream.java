package io.layerstore.core.layerdb;

import io.layerstore.driver.AtomicFiles;
import io.layerstore.driver.Closing;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Objects;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import org.jspecify.annotations.Nullable;

/**
 * Writes a gzip file aside, and puts it in its place when it is closed without a failure.
 *
 * <p>The header is the one Go's {@code compress/gzip} writes: no name, no time, unknown operating
 * system. {@code close} reports every failure, also one that a {@code write} reported before, frees
 * the memory outside the heap, and leaves nothing behind if it fails. Used by one thread at a time.
 * Format: RFC 1952.
 */
final class GzipFileOutputStream extends OutputStream {

  private static final byte[] HEADER = {
    0x1f, (byte) 0x8b, Deflater.DEFLATED, 0, 0, 0, 0, 0, 0, (byte) 0xff
  };

  /**
   * Room for the lines of a tar-split, so that the native code is called for many of them at once.
   */
  private static final int BUFFER_BYTES = 32 * 1024;

  private final Path target;
  private final Path aside;
  private final boolean isDurable;
  private final FileChannel channel;
  private final Deflater deflater;
  private final CRC32 crc = new CRC32();
  private final byte[] plain = new byte[BUFFER_BYTES];
  private final byte[] compressed = new byte[BUFFER_BYTES];
  private int plainLength;

  /** The uncompressed size; the trailer has it modulo 2^32. */
  private long size;

  private @Nullable Exception failure;
  private boolean isClosed;

  private GzipFileOutputStream(
      Path target, Path aside, boolean isDurable, FileChannel channel, int level) {
    this.target = target;
    this.aside = aside;
    this.isDurable = isDurable;
    this.channel = channel;
    this.deflater = new Deflater(level, true);
  }

  /**
   * Opens a file that becomes {@code target}.
   *
   * @param aside where it is until then
   * @param level the compression level of zlib
   */
  static GzipFileOutputStream create(Path target, Path aside, int level, boolean isDurable)
      throws IOException {
    FileChannel channel = AtomicFiles.createNew(aside, LayerDbLayout.FILE_MODE);
    GzipFileOutputStream out = new GzipFileOutputStream(target, aside, isDurable, channel, level);
    try {
      out.writeFully(ByteBuffer.wrap(HEADER));
      return out;
    } catch (IOException | RuntimeException e) {
      out.failure = e;
      try (out) {
        throw e;
      }
    }
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, bytes.length);
    requireUsable();
    try {
      if (length > plain.length - plainLength) {
        compressPlain();
      }
      if (length > plain.length) {
        compress(bytes, offset, length);
      } else {
        System.arraycopy(bytes, offset, plain, plainLength, length);
        plainLength += length;
      }
    } catch (IOException | RuntimeException e) {
      failure = e;
      throw e;
    }
  }

  private void requireUsable() throws IOException {
    if (isClosed) {
      throw new IOException("the stream is closed: " + target);
    }
    if (failure != null) {
      throw new IOException("an earlier write failed: " + target, failure);
    }
  }

  private void compressPlain() throws IOException {
    int length = plainLength;
    plainLength = 0;
    compress(plain, 0, length);
  }

  private void compress(byte[] bytes, int offset, int length) throws IOException {
    crc.update(bytes, offset, length);
    size += length;
    deflater.setInput(bytes, offset, length);
    while (!deflater.needsInput()) {
      writeCompressed();
    }
  }

  private void writeCompressed() throws IOException {
    int length = deflater.deflate(compressed, 0, compressed.length);
    writeFully(ByteBuffer.wrap(compressed, 0, length));
  }

  private void writeFully(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  @Override
  public void close() throws IOException {
    if (isClosed) {
      return;
    }
    isClosed = true;
    try {
      finish();
      Files.move(
          aside, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException | RuntimeException e) {
      Closing.after(e, () -> Files.deleteIfExists(aside));
      throw e;
    }
  }

  private void finish() throws IOException {
    try (channel) {
      if (failure != null) {
        throw new IOException("an earlier write failed: " + target, failure);
      }
      compressPlain();
      deflater.finish();
      while (!deflater.finished()) {
        writeCompressed();
      }
      writeFully(
          ByteBuffer.allocate(2 * Integer.BYTES)
              .order(ByteOrder.LITTLE_ENDIAN)
              .putInt((int) crc.getValue())
              .putInt((int) size)
              .flip());
      if (isDurable) {
        channel.force(true);
      }
    } finally {
      deflater.end();
    }
  }
}
