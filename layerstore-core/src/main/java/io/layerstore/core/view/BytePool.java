package io.layerstore.core.view;

import io.layerstore.ByteString;
import java.util.Arrays;

/**
 * Names, texts of links and extended attributes, one after the other. A place in it is a number;
 * what is there begins with its length in two bytes, values in four.
 */
final class BytePool {

  private byte[] bytes = {};
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
    bytes = Columns.room(bytes, Math.addExact(size, count));
  }

  private void putShort(int value) {
    bytes[size++] = (byte) (value >> 8);
    bytes[size++] = (byte) value;
  }

  private void put(ByteString text) {
    text.copyTo(bytes, size);
    size += text.length();
  }

  int length(int at) {
    return ((bytes[at] & 0xff) << 8) | (bytes[at + 1] & 0xff);
  }

  ByteString get(int at) {
    return ByteString.of(bytes, at + 2, length(at));
  }

  int valueLength(int at) {
    return (length(at) << 16) | length(at + 2);
  }

  ByteString getValue(int at) {
    return ByteString.of(bytes, at + 4, valueLength(at));
  }

  /** Copies the text at {@code at} to {@code target}. */
  void copy(int at, byte[] target, int offset) {
    System.arraycopy(bytes, at + 2, target, offset, length(at));
  }

  /** Compares two texts by unsigned byte. */
  int compare(int left, int right) {
    return Arrays.compareUnsigned(
        bytes, left + 2, left + 2 + length(left), bytes, right + 2, right + 2 + length(right));
  }

  /** Compares a text with a part of {@code other}. */
  int compare(int at, byte[] other, int from, int to) {
    return Arrays.compareUnsigned(bytes, at + 2, at + 2 + length(at), other, from, to);
  }

  void trim() {
    bytes = Arrays.copyOf(bytes, size);
  }
}
