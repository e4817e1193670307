package io.layerstore.core.view;

/** Sorts numbers by what they stand for, without an object for each. */
final class Sorting {

  /** Compares what two numbers stand for. */
  @FunctionalInterface
  interface Order {
    int compare(int left, int right);
  }

  private Sorting() {}

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
}
