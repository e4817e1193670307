package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class SourceDateEpochTest {

  private static @Nullable Instant of(String text) {
    return SourceDateEpoch.of(Map.of("SOURCE_DATE_EPOCH", text));
  }

  @Test
  void of_notSet_isNull() {
    assertNull(SourceDateEpoch.of(Map.of("OTHER", "1")));
  }

  @Test
  void of_seconds_isTheTime() {
    assertEquals(Instant.EPOCH, of("0"));
    assertEquals(Instant.parse("2001-09-09T01:46:40Z"), of("1000000000"));
    assertEquals(Instant.parse("9999-12-31T23:59:59Z"), of("253402300799"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "1 ",
        "-1",
        "+1",
        "1.5",
        "0x10",
        "now",
        "\u0661",
        "253402300800",
        "99999999999999999999"
      })
  void of_anythingElse_isRefusedAndNamed(String text) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> of(text));

    assertTrue(e.getMessage().contains("SOURCE_DATE_EPOCH"), e.getMessage());
    assertTrue(e.getMessage().contains("'" + text + "'"), e.getMessage());
  }
}
