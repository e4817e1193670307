package io.layerstore.core.json;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.temporal.ChronoField;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Times as Go's {@code time.RFC3339Nano} reads and writes them. */
public final class GoTime {

  /** What Go writes for no time. */
  public static final Instant ZERO = Instant.parse("0001-01-01T00:00:00Z");

  private static final Pattern RFC3339 =
      Pattern.compile(
          "([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})"
              + "(?:[.]([0-9]+))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))");
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
    Matcher matcher = RFC3339.matcher(text);
    if (!matcher.matches()) {
      return null;
    }
    try {
      LocalDateTime local = LocalDateTime.parse(matcher.group(1));
      String fraction = matcher.group(2);
      if (fraction != null) {
        String nanos = (fraction + "0".repeat(NANO_DIGITS)).substring(0, NANO_DIGITS);
        local = local.withNano(Integer.parseInt(nanos));
      }
      Instant instant = local.toInstant(ZoneOffset.UTC);
      String sign = matcher.group(3);
      if (sign == null) {
        return instant;
      }
      int hours = Integer.parseInt(matcher.group(4));
      int minutes = Integer.parseInt(matcher.group(5));
      if (hours > 23 || minutes > 59) {
        return null;
      }
      long seconds = (hours * 60L + minutes) * 60;
      return sign.equals("+") ? instant.minusSeconds(seconds) : instant.plusSeconds(seconds);
    } catch (DateTimeException e) {
      return null;
    }
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
