package io.layerstore.core.view;

import io.layerstore.ByteString;
import java.util.Arrays;

/**
 * Names, texts of links and extended attributes, one after the other, in pages as those of {@link
 * Columns}. A place in it is a number; what is there begins with its length in two bytes, values in
 * four.
 */
final class BytePool {

  private static final int PAGE_BITS = 16;
  private static final int PAGE_BYTES = 1 << PAGE_BITS;
  private static final int PAGE_MASK = PAGE_BYTES - 1;
  private static final int FIRST_BYTES = 256;

  private byte[][] pages = {new byte[FIRST_BYTES]};
  private int size;

  /** Adds a name or the text of a link; returns where it is. */
  int add(ByteString text) {
    int at = size;
    reserve(2 + text.length());
    putShort(text.length());
    put(text);
    return at;
  }

  /** Adds the value of an extended attribute; directly after what was added before. */
  void addValue(ByteString value) {
    reserve(4 + value.length());
    putShort(value.length() >>> 16);
    putShort(value.length());
    put(value);
  }

  /** Adds a number of at most two bytes; returns where it is. */
  int addCount(int count) {
    int at = size;
    reserve(2);
    putShort(count);
    return at;
  }

  private void reserve(int count) {
    int end = Math.addExact(size, count);
    if (end <= pages[0].length) {
      return;
    }
    if (pages[0].length < PAGE_BYTES) {
      int wanted = Math.min(PAGE_BYTES, Math.max(end, 2 * pages[0].length));
      pages[0] = Arrays.copyOf(pages[0], wanted);
    }
    int before = pages.length;
    int wanted = ((end - 1) >>> PAGE_BITS) + 1;
    if (wanted > before) {
      pages = Arrays.copyOf(pages, wanted);
      for (int i = before; i < wanted; i++) {
        pages[i] = new byte[PAGE_BYTES];
      }
    }
  }

  private void putShort(int value) {
    put((byte) (value >> 8));
    put((byte) value);
  }

  private void put(byte value) {
    pages[size >>> PAGE_BITS][size & PAGE_MASK] = value;
    size++;
  }

  private void put(ByteString text) {
    if (text.length() > 0 && isInOnePage(size, text.length())) {
      text.copyTo(pages[size >>> PAGE_BITS], size & PAGE_MASK);
      size += text.length();
      return;
    }
    for (int i = 0; i < text.length(); i++) {
      put(text.at(i));
    }
  }

  private static boolean isInOnePage(int at, int length) {
    return (at & PAGE_MASK) + length <= PAGE_BYTES;
  }

  private int at(int at) {
    return pages[at >>> PAGE_BITS][at & PAGE_MASK] & 0xff;
  }

  int length(int at) {
    return (at(at) << 8) | at(at + 1);
  }

  ByteString get(int at) {
    return get(at + 2, length(at));
  }

  int valueLength(int at) {
    return (length(at) << 16) | length(at + 2);
  }

  ByteString getValue(int at) {
    return get(at + 4, valueLength(at));
  }

  private ByteString get(int from, int length) {
    return ByteString.of(page(from, length), start(from, length), length);
  }

  // What is in two pages is copied, which is seldom: a page and where in it what is wanted begins.

  private byte[] page(int from, int length) {
    if (length == 0 || isInOnePage(from, length)) {
      return length == 0 ? pages[0] : pages[from >>> PAGE_BITS];
    }
    byte[] copy = new byte[length];
    for (int i = 0; i < length; i++) {
      copy[i] = (byte) at(from + i);
    }
    return copy;
  }

  private static int start(int from, int length) {
    return length > 0 && isInOnePage(from, length) ? from & PAGE_MASK : 0;
  }

  /** Copies the text at {@code at} to {@code target}. */
  void copy(int at, byte[] target, int offset) {
    int length = length(at);
    System.arraycopy(page(at + 2, length), start(at + 2, length), target, offset, length);
  }

  /** Compares two texts by unsigned byte. */
  int compare(int left, int right) {
    int length = length(right);
    int from = start(right + 2, length);
    return compare(left, page(right + 2, length), from, from + length);
  }

  /** Compares a text with a part of {@code other}. */
  int compare(int at, byte[] other, int from, int to) {
    int length = length(at);
    int start = start(at + 2, length);
    return Arrays.compareUnsigned(page(at + 2, length), start, start + length, other, from, to);
  }

  void trim() {
    int last = Math.max(size - 1, 0) >>> PAGE_BITS;
    pages[last] = Arrays.copyOf(pages[last], size - (last << PAGE_BITS));
  }
}
