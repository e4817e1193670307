package io.layerstore.core.view;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Lists of numbers without an object for each. They are in pages, of which only the first grows:
 * nothing large is copied, and nothing large has to find its place in a heap that is nearly full.
 */
final class Columns {

  private static final int FIRST_CAPACITY = 64;
  private static final int PAGE_BITS = 13;
  private static final int PAGE_MASK = (1 << PAGE_BITS) - 1;

  private Columns() {}

  static int[] room(int[] values, int wanted) {
    return wanted <= values.length
        ? values
        : Arrays.copyOf(values, capacity(values.length, wanted));
  }

  /** How long a page is to be for its index {@code at}. */
  private static int pageCapacity(int number, int at) {
    return number > 0 ? 1 << PAGE_BITS : Math.max(FIRST_CAPACITY, Integer.highestOneBit(at) << 1);
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

    private int[] @Nullable [] pages = new int[1][];
    private int size;

    int size() {
      return size;
    }

    int get(int index) {
      int number = index >>> PAGE_BITS;
      int[] page = number < pages.length ? pages[number] : null;
      int at = index & PAGE_MASK;
      return page != null && at < page.length ? page[at] : 0;
    }

    void set(int index, int value) {
      int number = index >>> PAGE_BITS;
      if (number >= pages.length) {
        pages = Arrays.copyOf(pages, Math.max(number + 1, 2 * pages.length));
      }
      int at = index & PAGE_MASK;
      int[] page = pages[number];
      if (page == null || at >= page.length) {
        int capacity = pageCapacity(number, at);
        page = page == null ? new int[capacity] : Arrays.copyOf(page, capacity);
        pages[number] = page;
      }
      page[at] = value;
      size = Math.max(size, index + 1);
    }

    int add(int value) {
      set(size, value);
      return size - 1;
    }

    /** Gives back what is not used. */
    void trim() {
      int last = (size - 1) >>> PAGE_BITS;
      int[] page = size == 0 ? null : pages[last];
      if (page != null) {
        pages[last] = Arrays.copyOf(page, ((size - 1) & PAGE_MASK) + 1);
      }
    }
  }

  /** A list of numbers that takes eight bytes each. Not set is 0. */
  static final class Longs {

    private long[] @Nullable [] pages = new long[1][];
    private int size;

    long get(int index) {
      int number = index >>> PAGE_BITS;
      long[] page = number < pages.length ? pages[number] : null;
      int at = index & PAGE_MASK;
      return page != null && at < page.length ? page[at] : 0;
    }

    void set(int index, long value) {
      int number = index >>> PAGE_BITS;
      if (number >= pages.length) {
        pages = Arrays.copyOf(pages, Math.max(number + 1, 2 * pages.length));
      }
      int at = index & PAGE_MASK;
      long[] page = pages[number];
      if (page == null || at >= page.length) {
        int capacity = pageCapacity(number, at);
        page = page == null ? new long[capacity] : Arrays.copyOf(page, capacity);
        pages[number] = page;
      }
      page[at] = value;
      size = Math.max(size, index + 1);
    }

    /** Gives back what is not used. */
    void trim() {
      int last = (size - 1) >>> PAGE_BITS;
      long[] page = size == 0 ? null : pages[last];
      if (page != null) {
        pages[last] = Arrays.copyOf(page, ((size - 1) & PAGE_MASK) + 1);
      }
    }
  }
}
