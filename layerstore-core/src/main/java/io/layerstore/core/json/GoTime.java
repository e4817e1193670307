package io.layerstore.core.json;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Times as Go's {@code time.RFC3339Nano} reads and writes them. */
public final class GoTime {

  /** What Go writes for no time. */
  public static final Instant ZERO = Instant.parse("0001-01-01T00:00:00Z");

  private static final String FORM = "0000-00-00T00:00:00";
  private static final int SECONDS_END = FORM.length();
  private static final Pattern ZONE = Pattern.compile("[+-][0-9]{2}:[0-9]{2}");
  private static final int NANO_DIGITS = 9;
  private static final Instant LAST = Instant.parse("9999-12-31T23:59:59.999999999Z");

  /** Up to nine digits of a second, without trailing zeros. */
  private static final DateTimeFormatter NANOS =
      new DateTimeFormatterBuilder()
          .append(DateTimeFormatter.ISO_LOCAL_DATE)
          .appendPattern("'T'HH:mm:ss")
          .appendFraction(ChronoField.NANO_OF_SECOND, 0, NANO_DIGITS, true)
          .appendLiteral('Z')
          .toFormatter(Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  private GoTime() {}

  /** The time that {@code text} says, or null if it says none. */
  public static @Nullable Instant parse(String text) {
    // By hand: an image has one for each of its instructions, and a formatter takes ten times as
    // long.
    if (text.length() <= SECONDS_END || !hasForm(text)) {
      return null;
    }
    int end = SECONDS_END;
    int nanos = 0;
    if (text.charAt(end) == '.') {
      int begin = ++end;
      while (end < text.length() && isDigit(text.charAt(end))) {
        end++;
      }
      if (end == begin) {
        return null;
      }
      String fraction = text.substring(begin, end) + "0".repeat(NANO_DIGITS);
      nanos = number(fraction, 0, NANO_DIGITS);
    }
    Long offset = offsetSeconds(text.substring(end));
    if (offset == null) {
      return null;
    }
    try {
      return LocalDateTime.of(
              number(text, 0, 4),
              number(text, 5, 7),
              number(text, 8, 10),
              number(text, 11, 13),
              number(text, 14, 16),
              number(text, 17, SECONDS_END),
              nanos)
          .toInstant(ZoneOffset.UTC)
          .minusSeconds(offset);
    } catch (DateTimeException e) {
      return null;
    }
  }

  private static boolean hasForm(String text) {
    for (int i = 0; i < SECONDS_END; i++) {
      char form = FORM.charAt(i);
      char c = text.charAt(i);
      if (form == '0' ? !isDigit(c) : c != form) {
        return false;
      }
    }
    return true;
  }

  /** What {@code Z}, {@code +hh:mm} or {@code -hh:mm} means; null for anything else. */
  private static @Nullable Long offsetSeconds(String zone) {
    if (zone.equals("Z")) {
      return 0L;
    }
    if (!ZONE.matcher(zone).matches()) {
      return null;
    }
    int hours = number(zone, 1, 3);
    int minutes = number(zone, 4, 6);
    if (hours > 23 || minutes > 59) {
      return null;
    }
    long seconds = (hours * 60L + minutes) * 60;
    return zone.charAt(0) == '+' ? seconds : -seconds;
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  private static int number(String text, int begin, int end) {
    return Integer.parseInt(text, begin, end, 10);
  }

  /**
   * The text of {@code time}, in UTC.
   *
   * @throws IllegalArgumentException if it is not in the years 1 to 9999, all that the form can say
   */
  public static String format(Instant time) {
    if (time.isBefore(ZERO) || time.isAfter(LAST)) {
      throw new IllegalArgumentException("not a time of the years 1 to 9999: " + time);
    }
    return NANOS.format(time);
  }
}
