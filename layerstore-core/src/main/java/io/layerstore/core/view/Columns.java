package io.layerstore.core.view;

import java.util.Arrays;

/**
 * Lists of numbers without an object for each. They grow by a quarter, for an image that is open
 * keeps what they have too much.
 */
final class Columns {

  private static final int FIRST_CAPACITY = 64;

  private Columns() {}

  static int[] room(int[] values, int wanted) {
    return wanted <= values.length
        ? values
        : Arrays.copyOf(values, capacity(values.length, wanted));
  }

  static long[] room(long[] values, int wanted) {
    return wanted <= values.length
        ? values
        : Arrays.copyOf(values, capacity(values.length, wanted));
  }

  static byte[] room(byte[] values, int wanted) {
    return wanted <= values.length
        ? values
        : Arrays.copyOf(values, capacity(values.length, wanted));
  }

  private static int capacity(int now, int wanted) {
    if (wanted < 0) {
      throw new OutOfMemoryError("an index of more than 2^31 entries or bytes of names");
    }
    return (int)
        Math.min(
            Integer.MAX_VALUE - 8,
            Math.max(Math.max(FIRST_CAPACITY, wanted), now + (now >> 2) + 1L));
  }

  /** Compares what two numbers stand for. */
  @FunctionalInterface
  interface Order {
    int compare(int left, int right);
  }

  /** Sorts the first {@code count} of {@code values}, the equal ones in the order they have. */
  static void sort(int[] values, int count, Order order) {
    int[] from = values;
    int[] to = new int[count];
    for (int width = 1; width < count; width *= 2) {
      for (int start = 0; start < count; start += 2 * width) {
        merge(
            from,
            to,
            start,
            Math.min(start + width, count),
            Math.min(start + 2 * width, count),
            order);
      }
      int[] swapped = from;
      from = to;
      to = swapped;
    }
    if (from != values) {
      System.arraycopy(from, 0, values, 0, count);
    }
  }

  private static void merge(int[] from, int[] to, int start, int middle, int end, Order order) {
    int left = start;
    int right = middle;
    for (int i = start; i < end; i++) {
      boolean takesLeft =
          left < middle && (right >= end || order.compare(from[left], from[right]) <= 0);
      to[i] = takesLeft ? from[left++] : from[right++];
    }
  }

  /** A list of numbers that takes four bytes each. Not set is 0. */
  static final class Ints {

    private int[] values = {};
    private int size;

    int size() {
      return size;
    }

    int get(int index) {
      return index < size ? values[index] : 0;
    }

    void set(int index, int value) {
      if (index >= size) {
        values = Columns.room(values, index + 1);
        size = index + 1;
      }
      values[index] = value;
    }

    int add(int value) {
      set(size, value);
      return size - 1;
    }

    /** Gives back what is not used. */
    void trim() {
      values = Arrays.copyOf(values, size);
    }
  }

  /** A list of numbers that takes eight bytes each. Not set is 0. */
  static final class Longs {

    private long[] values = {};
    private int size;

    int size() {
      return size;
    }

    long get(int index) {
      return index < size ? values[index] : 0;
    }

    void set(int index, long value) {
      if (index >= size) {
        values = Columns.room(values, index + 1);
        size = index + 1;
      }
      values[index] = value;
    }

    /** Gives back what is not used. */
    void trim() {
      values = Arrays.copyOf(values, size);
    }
  }
}
