package io.layerstore.core.image.archive;

import io.layerstore.driver.BlockFilterStream;
import io.layerstore.spi.FileContent.Extent;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;

/**
 * A member that the archive holds without its holes, as several tar programs write files with holes
 * without being asked. Reads as the file was, the holes as zeros.
 *
 * @param stored the bytes between the holes
 * @param extents where they belong: in order, inside the file, as many bytes as are stored
 * @param sizeBytes the size of the file
 */
record SparseBlob(Blob stored, List<Extent> extents, long sizeBytes) implements Blob {

  SparseBlob {
    extents = List.copyOf(extents);
  }

  @Override
  public InputStream open() throws IOException {
    return expanded(stored.open(), extents, sizeBytes);
  }

  /** The bytes of a file whose stored ones are {@code stored}, closed with the result. */
  static InputStream expanded(InputStream stored, List<Extent> extents, long sizeBytes) {
    return new Expanded(stored, extents, sizeBytes);
  }

  private static final class Expanded extends BlockFilterStream {
    private final Iterator<Extent> extents;
    private final long size;
    private long position;
    private long dataBegin;
    private long dataEnd;

    Expanded(InputStream stored, List<Extent> extents, long size) {
      super(stored);
      this.extents = extents.iterator();
      this.size = size;
      nextExtent();
    }

    private void nextExtent() {
      if (extents.hasNext()) {
        Extent extent = extents.next();
        dataBegin = extent.offset();
        dataEnd = extent.end();
      } else {
        dataBegin = size;
        dataEnd = size;
      }
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      Objects.checkFromIndexSize(offset, length, target.length);
      while (position == dataEnd && position < size) {
        nextExtent();
      }
      if (length == 0) {
        return 0;
      }
      if (position >= size) {
        return -1;
      }
      int count;
      if (position < dataBegin) {
        count = (int) Math.min(length, dataBegin - position);
        Arrays.fill(target, offset, offset + count, (byte) 0);
      } else {
        count = in.read(target, offset, (int) Math.min(length, dataEnd - position));
        if (count < 0) {
          throw new EOFException(
              "the stored bytes of a file with holes are fewer than its map says");
        }
      }
      position += count;
      return count;
    }

    @Override
    public int available() {
      return 0;
    }
  }
}
