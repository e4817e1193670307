package io.layerstore.core.view;

import java.util.Arrays;

/**
 * How columns grow: by a quarter, for an image that is open keeps what its columns have too much.
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
}
