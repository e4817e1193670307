package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class EnvironmentTest {

  @Test
  void root_variableSet_winsOverAll() {
    Map<String, String> environment = Map.of("LAYERSTORE_ROOT", "here", "HOME", "/home/u");

    assertEquals(Optional.of(Path.of("here")), Environment.root(environment, "root"));
  }

  @Test
  void root_root_isTheSystemsDirectory() {
    assertEquals(
        Optional.of(Path.of("/var/lib/layerstore")),
        Environment.root(Map.of("HOME", "/root"), "root"));
  }

  @Test
  void root_ordinaryUser_isInTheHomeDirectory() {
    assertEquals(
        Optional.of(Path.of("/home/u/.local/share/layerstore")),
        Environment.root(Map.of("HOME", "/home/u"), "u"));
  }

  @Test
  void root_dataDirectorySet_isInIt() {
    Map<String, String> environment = Map.of("XDG_DATA_HOME", "/data", "HOME", "/home/u");

    assertEquals(Optional.of(Path.of("/data/layerstore")), Environment.root(environment, "u"));
  }

  @Test
  void root_relativeDataDirectory_ignoresIt() {
    Map<String, String> environment = Map.of("XDG_DATA_HOME", "data", "HOME", "/home/u");

    assertEquals(
        Optional.of(Path.of("/home/u/.local/share/layerstore")),
        Environment.root(environment, "u"));
  }

  @Test
  void root_noHome_isEmpty() {
    assertEquals(Optional.empty(), Environment.root(Map.of(), "u"));
  }

  private static @Nullable Instant sourceDate(String text) {
    return Environment.sourceDate(Map.of("SOURCE_DATE_EPOCH", text));
  }

  @Test
  void sourceDate_notSet_isNull() {
    assertNull(Environment.sourceDate(Map.of("OTHER", "1")));
  }

  @Test
  void sourceDate_seconds_isTheTime() {
    assertEquals(Instant.EPOCH, sourceDate("0"));
    assertEquals(Instant.parse("2001-09-09T01:46:40Z"), sourceDate("1000000000"));
    assertEquals(Instant.parse("9999-12-31T23:59:59Z"), sourceDate("253402300799"));
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
  void sourceDate_anythingElse_isRefusedAndNamed(String text) {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> sourceDate(text));

    assertTrue(e.getMessage().contains("SOURCE_DATE_EPOCH"), e.getMessage());
    assertTrue(e.getMessage().contains("'" + text + "'"), e.getMessage());
  }
}
