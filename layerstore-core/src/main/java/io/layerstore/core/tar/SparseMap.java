package io.layerstore.core.tar;

import io.layerstore.ArchiveException;
import io.layerstore.spi.FileContent.Extent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Where the stored bytes of a sparse file belong, as an archive says it; nothing is trusted before
 * {@link #extents}.
 */
final class SparseMap {

  private long[] numbers = new long[16];
  private int count;

  void add(long offset, long length) {
    if (count == numbers.length) {
      numbers = Arrays.copyOf(numbers, 2 * count);
    }
    numbers[count++] = offset;
    numbers[count++] = length;
  }

  /**
   * The checked map, without its empty runs.
   *
   * @param logicalSize the size of the file
   * @param storedSize how many bytes the archive holds for it
   * @throws ArchiveException if the runs are out of order, overlap, leave the file, or do not
   *     account for every stored byte
   */
  List<Extent> extents(long logicalSize, long storedSize, EntryPosition position)
      throws ArchiveException {
    if (logicalSize < 0) {
      throw position.malformed("invalid sparse file: negative size");
    }
    List<Extent> extents = new ArrayList<>(count / 2);
    long end = 0;
    long stored = 0;
    for (int i = 0; i < count; i += 2) {
      long offset = numbers[i];
      long length = numbers[i + 1];
      // In this order no sum overflows.
      if (offset < end || length < 0 || offset > logicalSize || length > logicalSize - offset) {
        throw position.malformed("invalid sparse map");
      }
      end = offset + length;
      stored += length;
      if (length > 0) {
        extents.add(new Extent(offset, length));
      }
    }
    if (stored != storedSize) {
      throw position.malformed(
          "invalid sparse map: it covers " + stored + " bytes, stored are " + storedSize);
    }
    return extents;
  }

  /**
   * Reads the map of PAX formats 0.0 and 0.1: {@code 2 * pairs} numbers with commas between them,
   * and nothing else.
   */
  static SparseMap ofCommaSeparated(byte[] text, long pairs, EntryPosition position)
      throws ArchiveException {
    long numbers = text.length == 0 ? 0 : 1;
    for (byte b : text) {
      if (b == ',') {
        numbers++;
      }
    }
    // Halved, because the announced count may be anything.
    if (numbers % 2 != 0 || numbers / 2 != pairs) {
      throw position.malformed("invalid sparse map: not as many numbers as announced");
    }
    return parse(text, 0, text.length, ',', pairs, position);
  }

  /** Reads the map of PAX format 1.0: {@code 2 * pairs} numbers, each followed by a newline. */
  static SparseMap ofLines(byte[] text, int from, int to, long pairs, EntryPosition position)
      throws ArchiveException {
    return parse(text, from, to, '\n', pairs, position);
  }

  private static SparseMap parse(
      byte[] text, int from, int to, char separator, long pairs, EntryPosition position)
      throws ArchiveException {
    SparseMap map = new SparseMap();
    int at = from;
    try {
      for (long i = 0; i < pairs; i++) {
        int middle = end(text, at, to, separator);
        int end = end(text, middle + 1, to, separator);
        map.add(Decimal.parse(text, at, middle), Decimal.parse(text, middle + 1, end));
        at = end + 1;
      }
    } catch (NumberFormatException e) {
      throw position.malformed("invalid sparse map: not a number");
    }
    return map;
  }

  private static int end(byte[] text, int from, int to, char separator) {
    int i = from;
    while (i < to && text[i] != separator) {
      i++;
    }
    return i;
  }
}
