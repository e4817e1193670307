package io.layerstore.core.image.change;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.core.json.JsonValue;
import io.layerstore.core.json.JsonValue.Obj;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ConfigChangesTest {

  static List<Map.Entry<String, String>> known() throws IOException {
    return List.copyOf(KnownChanges.all().entrySet());
  }

  @ParameterizedTest
  @MethodSource("known")
  void apply_known_givesWhatDockerGives(Map.Entry<String, String> known) {
    List<String> changes = List.of(KnownChanges.linesOf(known.getKey()));
    if (known.getValue().equals(KnownChanges.REFUSED)) {
      assertThrows(IllegalArgumentException.class, () -> ConfigChanges.apply(Obj.EMPTY, changes));
    } else {
      assertEquals(
          known.getValue(), KnownChanges.normalized(ConfigChanges.apply(Obj.EMPTY, changes)));
    }
  }

  private static String apply(String config, String... changes) throws IOException {
    Obj object = (Obj) JsonValue.parse(config.getBytes(UTF_8));
    return new String(ConfigChanges.apply(object, List.of(changes)).toBytes(), UTF_8);
  }

  @Test
  void apply_nothing_keepsEverything() throws IOException {
    String config = "{\"Hostname\":\"\",\"User\":null,\"X\":[1e3,{\"b\":1,\"a\":2}],\"y\":\"<\"}";
    assertEquals(config.replace("<", "\\u003c"), apply(config));
  }

  @Test
  void apply_memberOfOtherCase_isReplaced() throws IOException {
    assertEquals("{\"User\":\"b\"}", apply("{\"USER\":\"a\",\"user\":\"c\"}", "USER b"));
  }

  @Test
  void apply_newMembers_standWhereDockerPutsThem() throws IOException {
    assertEquals(
        "{\"User\":\"u\",\"Env\":[\"A=1\"],\"Cmd\":[\"c\"],\"WorkingDir\":\"/w\",\"Z\":1}",
        apply("{\"Z\":1,\"Cmd\":[\"c\"]}", "WORKDIR /w", "ENV A=1", "USER u"));
  }

  @Test
  void apply_toWhatIsThere_addsAndReplaces() throws IOException {
    assertEquals(
        "{\"ExposedPorts\":{\"80/tcp\":{},\"81/tcp\":{}},\"Env\":[\"PATH=/new:/bin\",\"X=2\"],"
            + "\"Volumes\":{\"/a\":{},\"/b\":{}},\"WorkingDir\":\"/w/sub\",\"OnBuild\":[\"RUN 1\",\"RUN 2\"],"
            + "\"Labels\":{\"k\":\"2\",\"l\":\"1\"}}",
        apply(
            "{\"Env\":[\"PATH=/bin\",\"X=1\"],\"Labels\":{\"l\":\"1\",\"k\":\"1\"},\"OnBuild\":[\"RUN 1\"],"
                + "\"ExposedPorts\":{\"81/tcp\":{}},\"Volumes\":{\"/b\":{}},\"WorkingDir\":\"/w\"}",
            "ENV PATH=/new:$PATH X=2",
            "LABEL k=2",
            "ONBUILD RUN 2",
            "EXPOSE 80",
            "VOLUME /a",
            "WORKDIR sub"));
  }

  @Test
  void apply_shellForm_usesTheShellOfTheImage() throws IOException {
    assertEquals(
        "{\"Cmd\":[\"/bin/bash\",\"-c\",\"x y\"],\"Shell\":[\"/bin/bash\",\"-c\"]}",
        apply("{\"Shell\":[\"/bin/bash\",\"-c\"]}", "CMD x y"));
  }

  @Test
  void apply_entrypoint_dropsTheCommandOfTheImageBelow() throws IOException {
    assertEquals(
        "{\"Entrypoint\":[\"e\"]}",
        apply("{\"Cmd\":[\"c\"],\"ArgsEscaped\":true}", "ENTRYPOINT [\"e\"]"));
  }

  @Test
  void apply_instructionAlone_takesCommandAndEntryPointAway() throws IOException {
    String config = "{\"Cmd\":[\"c\"],\"Entrypoint\":[\"e\"]}";
    assertEquals("{\"Entrypoint\":[\"e\"]}", apply(config, "CMD"));
    assertEquals("{}", apply(config, "ENTRYPOINT"));
    assertEquals("{\"Cmd\":[\"d\"]}", apply(config, "ENTRYPOINT", "CMD [\"d\"]"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"9", "SIGTERM", "hup", "RTMIN+3", "SIGRTMAX-14"})
  void apply_stopSignal_isSet(String signal) throws IOException {
    assertEquals("{\"StopSignal\":\"" + signal + "\"}", apply("{}", "STOPSIGNAL " + signal));
  }

  @ParameterizedTest
  @ValueSource(strings = {"STOPSIGNAL 0", "STOPSIGNAL SIGNONE", "STOPSIGNAL RTMIN+16"})
  void apply_noSignal_refused(String change) {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class, () -> ConfigChanges.apply(Obj.EMPTY, List.of(change)));
    assertTrue(e.getMessage().contains(change), e.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"ENV A=${", "ENV A=${}", "ENV A=${a:", "ENV A=${a:?b}", "ENV A='x"})
  void apply_halfAnExpansion_refused(String change) {
    assertThrows(
        IllegalArgumentException.class, () -> ConfigChanges.apply(Obj.EMPTY, List.of(change)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"1x", "", "-", "99999999999h", "1.2.3s", "s"})
  void parseDuration_noDuration_refused(String text) {
    assertThrows(IllegalArgumentException.class, () -> GoDuration.parse(text));
  }

  @Test
  void parseDuration_allUnits_areAdded() {
    assertEquals(
        3_600_000_000_000L + 120_000_000_000L + 3_500_000_000L + 4_000_000L + 5_000L + 6L,
        GoDuration.parse("1h2m3.5s4ms5us6ns"));
    assertEquals(-1_000_000_000L, GoDuration.parse("-1s"));
    assertEquals(0, GoDuration.parse("0"));
  }
}
