package io.layerstore.core.tar;

import io.layerstore.ByteString;
import java.util.Arrays;

/**
 * The data of an extension record. Grows with the bytes that arrive, not with the size that is
 * announced, and is filled again.
 */
final class Extension {

  private byte[] bytes = new byte[HeaderBlock.SIZE];
  private int length;

  void clear() {
    length = 0;
  }

  /**
   * Makes room for {@code count} more bytes, which the caller writes at {@link #length} before
   * {@link #grow}.
   */
  byte[] reserve(int count) {
    if (bytes.length - length < count) {
      long doubled = Math.max(2L * bytes.length, (long) length + count);
      bytes = Arrays.copyOf(bytes, (int) Math.min(doubled, Integer.MAX_VALUE - 8));
    }
    return bytes;
  }

  void grow(int count) {
    length += count;
  }

  byte[] bytes() {
    return bytes;
  }

  int length() {
    return length;
  }

  /** The data up to the first NUL. */
  ByteString untilNul() {
    int end = 0;
    while (end < length && bytes[end] != 0) {
      end++;
    }
    return ByteString.of(bytes, 0, end);
  }
}
