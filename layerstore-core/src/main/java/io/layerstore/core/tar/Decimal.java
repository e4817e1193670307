package io.layerstore.core.tar;

import java.time.Instant;

/**
 * Numbers and times as text in PAX records, read with the tolerance of Go's {@code
 * strconv.ParseInt}.
 */
final class Decimal {

  private static final int NANO_DIGITS = 9;

  private Decimal() {}

  /**
   * The number that the bytes from {@code from} to {@code to} spell: an optional sign and digits.
   *
   * @throws NumberFormatException if they do not, or it does not fit
   */
  static long parse(byte[] bytes, int from, int to) {
    int i = from;
    boolean isNegative = false;
    if (i < to && (bytes[i] == '-' || bytes[i] == '+')) {
      isNegative = bytes[i] == '-';
      i++;
    }
    if (i == to) {
      throw new NumberFormatException("no digits");
    }
    // Counts down, because the negative range is the larger one.
    long value = 0;
    for (; i < to; i++) {
      int digit = bytes[i] - '0';
      if (digit < 0 || digit > 9 || value < Long.MIN_VALUE / 10) {
        throw new NumberFormatException("not a digit, or too many");
      }
      value *= 10;
      if (value < Long.MIN_VALUE + digit) {
        throw new NumberFormatException("does not fit 64 bits");
      }
      value -= digit;
    }
    if (!isNegative && value == Long.MIN_VALUE) {
      throw new NumberFormatException("does not fit 64 bits");
    }
    return isNegative ? value : -value;
  }

  /**
   * The time that the bytes spell: seconds, and optionally a point and digits, of which nine count.
   *
   * @throws NumberFormatException if they do not
   */
  static Instant parseTime(byte[] bytes, int from, int to) {
    int point = from;
    while (point < to && bytes[point] != '.') {
      point++;
    }
    long seconds = parse(bytes, from, point);
    int nanos = 0;
    int digits = 0;
    for (int i = point + 1; i < to; i++) {
      int digit = bytes[i] - '0';
      if (digit < 0 || digit > 9) {
        throw new NumberFormatException("not a digit");
      }
      if (digits < NANO_DIGITS) {
        nanos = nanos * 10 + digit;
        digits++;
      }
    }
    for (; digits < NANO_DIGITS; digits++) {
      nanos *= 10;
    }
    return instant(seconds, bytes[from] == '-' ? -nanos : nanos);
  }

  /** The instant, or the nearest one that can be expressed. */
  static Instant instant(long seconds, int nanos) {
    if (seconds <= Instant.MIN.getEpochSecond()) {
      return Instant.MIN;
    }
    return seconds >= Instant.MAX.getEpochSecond()
        ? Instant.MAX
        : Instant.ofEpochSecond(seconds, nanos);
  }
}
