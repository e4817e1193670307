package io.layerstore.interop;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.RWLayer;
import io.layerstore.testing.DataRoot;
import io.layerstore.testing.DockerDaemon;
import io.layerstore.testing.Image;
import io.layerstore.testing.Machine;
import io.layerstore.testing.ScratchDirectory;
import io.layerstore.testing.Tool;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * What {@code docker commit} and {@link RWLayer#commit} make of the same changes: the same bytes,
 * but for the three things in which Docker's versions differ from each other.
 *
 * <p>See {@link EvenedTar} for these. The changes are of every kind, in a running container, whose
 * read-write layer the library then opens on the daemon's own data root.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class DockerCommitTest {

  private ScratchDirectory scratch;
  private byte[] byDocker;
  private byte[] byUs;
  private byte[] asDifference;

  @BeforeAll
  void commitTwice() throws Exception {
    Machine.requireRoot();
    scratch = ScratchDirectory.create();
    DataRoot root = new DataRoot(scratch.resolve("root"), "overlay2");
    Path base = TreeText.writeBase(scratch);
    String container;
    try (DockerDaemon daemon = DockerDaemon.start(root.path(), "overlay2")) {
      daemon.docker("import", base, "base:1");
      container =
          daemon.docker("run", "--detach", "--network=none", "base:1", "sleep", "600").text();
      String merged =
          daemon.docker("inspect", "--format={{.GraphDriver.Data.MergedDir}}", container).text();
      Tool.require("python3").in(Path.of(merged)).run("-c", TreeText.script("change-tree.py"));
      daemon.docker("commit", "--pause=false", container, "committed:1");
      Path archive = scratch.resolve("saved.tar");
      daemon.docker("save", "--output", archive, "committed:1");
      List<Path> layers = Image.read(archive, scratch.resolve("saved")).layers();
      byDocker = Files.readAllBytes(layers.get(layers.size() - 1));
      daemon.kill();
    }
    try (LayerStore store = LayerStore.builder(root.path()).driver("overlay2").open();
        RWLayer layer = store.getRWLayer(container);
        Layer committed = layer.commit();
        InputStream exported = committed.tarStream();
        InputStream difference = layer.tarStream()) {
      byUs = exported.readAllBytes();
      asDifference = difference.readAllBytes();
    }
  }

  @AfterAll
  void deleteAll() throws Exception {
    if (scratch != null) {
      scratch.close();
    }
  }

  @Test
  void changes_ofTheTest_areOfEveryKind() {
    List<String> names = EvenedTar.of(byDocker).names();
    assertEquals(
        "0123456x",
        names.stream()
            .map(name -> name.substring(0, 1))
            .distinct()
            .sorted()
            .collect(Collectors.joining()));
    assertTrue(names.stream().anyMatch(name -> name.endsWith("/.wh..wh..opq")));
    assertTrue(names.stream().filter(name -> name.contains("/.wh.")).count() > 10);
  }

  @Test
  void commit_sameChanges_hasTheEntriesOfDocker() {
    assertEquals(EvenedTar.of(byDocker).names(), EvenedTar.of(byUs).names());
  }

  @Test
  void commit_sameChanges_hasTheBytesOfDocker() {
    assertArrayEquals(EvenedTar.of(byDocker).bytes(), EvenedTar.of(byUs).bytes());
  }

  @Test
  void tarStream_sameChanges_isWhatIsCommitted() {
    assertArrayEquals(asDifference, byUs);
  }
}
