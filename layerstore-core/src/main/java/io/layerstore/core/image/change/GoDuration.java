package io.layerstore.core.image.change;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Durations as Go's {@code time.ParseDuration} reads them: {@code 1h30m}, {@code 1.5s}. */
final class GoDuration {

  private static final Map<String, Long> NANOS =
      Map.of(
          "ns", 1L,
          "us", 1_000L,
          "\u00b5s", 1_000L,
          "\u03bcs", 1_000L,
          "ms", 1_000_000L,
          "s", 1_000_000_000L,
          "m", 60_000_000_000L,
          "h", 3_600_000_000_000L);
  private static final Pattern PART =
      Pattern.compile("([0-9]+\\.?[0-9]*|\\.[0-9]+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)");
  private static final Pattern SIGN = Pattern.compile("[+-]");
  private static final int MAX_LENGTH = 100;

  private GoDuration() {}

  /**
   * The duration in nanoseconds.
   *
   * @throws IllegalArgumentException if {@code text} is none
   */
  static long parse(String text) {
    boolean isNegative = text.startsWith("-");
    String rest = SIGN.matcher(text).lookingAt() ? text.substring(1) : text;
    if (rest.equals("0")) {
      return 0;
    }
    if (rest.isEmpty() || rest.length() > MAX_LENGTH) {
      throw invalid(text);
    }
    BigInteger sum = BigInteger.ZERO;
    Matcher part = PART.matcher(rest);
    int position = 0;
    while (position < rest.length()) {
      part.region(position, rest.length());
      if (!part.lookingAt()) {
        throw invalid(text);
      }
      long unit = NANOS.getOrDefault(part.group(2), 1L);
      sum =
          sum.add(
              new BigDecimal(part.group(1))
                  .multiply(BigDecimal.valueOf(unit))
                  .setScale(0, RoundingMode.DOWN)
                  .toBigInteger());
      position = part.end();
    }
    try {
      return (isNegative ? sum.negate() : sum).longValueExact();
    } catch (ArithmeticException e) {
      throw invalid(text);
    }
  }

  private static IllegalArgumentException invalid(String text) {
    return new IllegalArgumentException(
        "\"" + text + "\" is no duration; write it as 30s, 1m30s or 500ms");
  }
}
