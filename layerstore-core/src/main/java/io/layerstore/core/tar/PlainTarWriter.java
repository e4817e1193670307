package io.layerstore.core.tar;

import io.layerstore.ByteString;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.Device;
import java.io.Closeable;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Instant;
import java.util.List;

/**
 * Writes a tar of directories and regular files that all belong to 0:0, in the bytes that Go's
 * {@code archive/tar} writes for them. The target stays open. Used by one thread.
 */
public final class PlainTarWriter implements Closeable {

  private static final int DIRECTORY_MODE = 0755;
  private static final int FILE_MODE = 0644;
  private static final Device NONE = new Device(0, 0);

  private final OutputStream out;
  private long left;
  private int padding;

  /** Writes to {@code out}. */
  public PlainTarWriter(OutputStream out) {
    this.out = out;
  }

  /** Adds a directory, whose name ends in a slash. */
  public void directory(String name, Instant modified) throws IOException {
    header('5', name, DIRECTORY_MODE, 0, modified);
  }

  /**
   * Adds a file, whose content is to be written to the result.
   *
   * @return where exactly {@code sizeBytes} bytes must be written before the next call
   */
  public OutputStream file(String name, long sizeBytes, Instant modified) throws IOException {
    header('0', name, FILE_MODE, sizeBytes, modified);
    left = sizeBytes;
    padding = (int) (-sizeBytes & (HeaderBlock.SIZE - 1));
    return new Content();
  }

  private void header(char type, String name, int mode, long size, Instant modified)
      throws IOException {
    endFile();
    out.write(
        HeaderWriter.write(
            type,
            ByteString.utf8(name),
            ByteString.EMPTY,
            Attributes.of(mode, Instant.ofEpochSecond(modified.getEpochSecond())),
            size,
            NONE,
            List.of()));
  }

  private void endFile() throws IOException {
    if (left > 0) {
      throw new IOException("a member of the archive lacks " + left + " bytes");
    }
    out.write(new byte[padding]);
    padding = 0;
  }

  /** Writes the end of the archive. */
  @Override
  public void close() throws IOException {
    endFile();
    out.write(new byte[2 * HeaderBlock.SIZE]);
    out.flush();
  }

  /** Takes the content of one file. */
  private final class Content extends OutputStream {
    @Override
    public void write(int b) throws IOException {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      if (length > left) {
        throw new IOException("a member of the archive has more bytes than announced");
      }
      out.write(bytes, offset, length);
      left -= length;
    }
  }
}
