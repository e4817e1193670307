package io.layerstore.core.view;

import java.util.Arrays;

/** A list of numbers that takes four bytes each. Not set is 0. */
final class IntColumn {

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
