package io.layerstore.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class DefaultRootTest {

  @Test
  void of_variableSet_winsOverAll() {
    Map<String, String> environment = Map.of("LAYERSTORE_ROOT", "here", "HOME", "/home/u");

    assertEquals(Optional.of(Path.of("here")), DefaultRoot.of(environment, "root"));
  }

  @Test
  void of_root_isTheSystemsDirectory() {
    assertEquals(
        Optional.of(Path.of("/var/lib/layerstore")),
        DefaultRoot.of(Map.of("HOME", "/root"), "root"));
  }

  @Test
  void of_ordinaryUser_isInTheHomeDirectory() {
    assertEquals(
        Optional.of(Path.of("/home/u/.local/share/layerstore")),
        DefaultRoot.of(Map.of("HOME", "/home/u"), "u"));
  }

  @Test
  void of_dataDirectorySet_isInIt() {
    Map<String, String> environment = Map.of("XDG_DATA_HOME", "/data", "HOME", "/home/u");

    assertEquals(Optional.of(Path.of("/data/layerstore")), DefaultRoot.of(environment, "u"));
  }

  @Test
  void of_relativeDataDirectory_ignoresIt() {
    Map<String, String> environment = Map.of("XDG_DATA_HOME", "data", "HOME", "/home/u");

    assertEquals(
        Optional.of(Path.of("/home/u/.local/share/layerstore")), DefaultRoot.of(environment, "u"));
  }

  @Test
  void of_noHome_isEmpty() {
    assertEquals(Optional.empty(), DefaultRoot.of(Map.of(), "u"));
  }
}
