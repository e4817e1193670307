package io.layerstore.spi;

import java.io.InputStream;
import java.util.List;

/**
 * The content of one regular file for a tree, without its holes.
 *
 * @param data the bytes of all extents, one after the other; ends after the last one. Not to be
 *     closed
 * @param extents where the bytes belong, ascending and without overlap; what lies between them, and
 *     between the last one and the end of the file, is zeros that are not written
 */
public record FileContent(InputStream data, List<Extent> extents) {

  /**
   * A run of bytes.
   *
   * @param offset where it begins in the file
   * @param length how long it is, in bytes
   */
  public record Extent(long offset, long length) {

    /**
     * Checks the numbers.
     *
     * @throws IllegalArgumentException if one is negative or the end overflows
     */
    public Extent {
      if (offset < 0 || length < 0 || offset > Long.MAX_VALUE - length) {
        throw new IllegalArgumentException("invalid extent: " + offset + "+" + length);
      }
    }

    /** The offset after the last byte. */
    public long end() {
      return offset + length;
    }
  }

  /** Copies the list. */
  public FileContent {
    extents = List.copyOf(extents);
  }

  /** Content without holes, {@code sizeBytes} long. */
  public static FileContent dense(InputStream data, long sizeBytes) {
    return new FileContent(data, sizeBytes == 0 ? List.of() : List.of(new Extent(0, sizeBytes)));
  }
}
