package io.layerstore.core.tar;

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
 * A file as it was before it was stored without its holes, which read as zeros. Not safe for use by
 * several threads.
 */
public final class ExpandedContent extends BlockFilterStream {
  private final Iterator<Extent> extents;
  private final long size;
  private long position;
  private long dataBegin;
  private long dataEnd;

  /**
   * @param stored the bytes between the holes; closed with this
   * @param extents where they belong: in order, inside the file, as many bytes as are stored
   * @param size the size of the file in bytes
   */
  public ExpandedContent(InputStream stored, List<Extent> extents, long size) {
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
        throw new EOFException("the stored bytes of a file with holes are fewer than its map says");
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
