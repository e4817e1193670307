package io.layerstore.core.view;

import java.util.Arrays;

/** A list of numbers that takes eight bytes each. Not set is 0. */
final class LongColumn {

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
