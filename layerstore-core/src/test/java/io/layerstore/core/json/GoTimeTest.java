package io.layerstore.core.json;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class GoTimeTest {

  @ParameterizedTest
  @CsvSource({
    "2026-11-21T05:24:29.910330522Z,2026-11-21T05:24:29.910330522Z",
    "2026-11-21T05:24:29Z,2026-11-21T05:24:29Z",
    "2026-11-21T05:24:29.1+01:30,2026-11-21T03:54:29.1Z",
    "2026-11-21T05:24:29-23:59,2026-11-22T05:23:29Z",
    "2026-11-21T05:24:29.9999999999Z,2026-11-21T05:24:29.999999999Z",
    "0001-01-01T00:00:00Z,0001-01-01T00:00:00Z"
  })
  void parse_time_isRead(String text, Instant expected) {
    assertEquals(expected, GoTime.parse(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "2026-11-21",
        "2026-11-21T05:24Z",
        "2026-11-21t05:24:29z",
        "2026-02-30T05:24:29Z",
        "2026-11-21T25:24:29Z",
        "2026-11-21T05:24:29",
        "2026-11-21T05:24:29+24:00",
        "2026-11-21T05:24:29Z "
      })
  void parse_noTime_isNull(String text) {
    assertNull(GoTime.parse(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "2026-11-21T05:24:29.910330522Z",
        "2026-11-21T05:24:29.91Z",
        "2026-11-21T05:24:29Z",
        "0001-01-01T00:00:00Z"
      })
  void format_time_hasNoMoreDigitsThanItNeeds(String text) {
    assertEquals(text, GoTime.format(Instant.parse(text)));
  }

  @Test
  void format_timeThatCannotBeWritten_refused() {
    assertThrows(IllegalArgumentException.class, () -> GoTime.format(Instant.MAX));
    assertThrows(IllegalArgumentException.class, () -> GoTime.format(Instant.MIN));
  }
}
