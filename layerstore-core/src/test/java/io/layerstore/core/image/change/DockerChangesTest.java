package io.layerstore.core.image.change;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.core.json.JsonValue;
import io.layerstore.testing.DockerDaemon;
import io.layerstore.testing.ScratchDirectory;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.Tool;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Whether Docker still makes of changes what {@link KnownChanges} says. */
final class DockerChangesTest {

  @Test
  void importWithChanges_known_givesWhatIsKnown() throws Exception {
    Map<String, String> known = KnownChanges.all();
    Map<String, String> found = new TreeMap<>();
    try (ScratchDirectory scratch = ScratchDirectory.create();
        DockerDaemon daemon = DockerDaemon.start(scratch.resolve("root"), "vfs")) {
      Path tar =
          Files.write(scratch.resolve("tar"), new TarBuilder().file("a", "a").end().toBytes());
      List<String> accepted = new ArrayList<>();
      List<Object> inspect =
          new ArrayList<>(List.of("image", "inspect", "--format={{json .Config}}"));
      for (String changes : known.keySet()) {
        Tool.Result result =
            daemon.client().attempt("import", "--change=" + KnownChanges.linesOf(changes), tar);
        if (result.status() == 0) {
          accepted.add(changes);
          inspect.add(result.text());
        } else {
          found.put(changes, KnownChanges.REFUSED);
        }
      }
      List<String> configs = daemon.docker(inspect.toArray()).lines();
      for (int i = 0; i < accepted.size(); i++) {
        found.put(
            accepted.get(i),
            KnownChanges.normalized(JsonValue.parse(configs.get(i).getBytes(UTF_8))));
      }
      daemon.stop();
    }
    assertEquals(known, found);
  }
}
