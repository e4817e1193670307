package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.CommitImageOptions;
import io.layerstore.Image;
import io.layerstore.ImageConfig.HistoryEntry;
import io.layerstore.ImageId;
import io.layerstore.ImageReference;
import io.layerstore.ImageStore;
import io.layerstore.ImportOptions;
import io.layerstore.LayerInfo;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.PruneOptions;
import io.layerstore.RWLayer;
import io.layerstore.RecoveryReport;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * Images on a data root that dockerd wrote, used by the library and then by dockerd again, and
 * images on a root that the library wrote.
 *
 * <p>On Docker's are an imported image ({@code box:1}), one committed from a container ({@code
 * box:2}, also {@code example.com/team/box:x}), one committed from a container without changes
 * ({@code box:3}), and the containers {@code changed} and {@code empty}.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class DockerImagesContract {

  private final String driver;
  private ScratchDirectory scratch;
  private DataRoot root;
  private Path pristine;
  private Path base;
  private Map<String, String> tags;
  private Map<String, String> parents;
  private List<String> history;
  private String changed;

  /** Tests the graph driver called {@code driver}. */
  protected DockerImagesContract(String driver) {
    this.driver = driver;
  }

  @BeforeAll
  void letDockerWriteTheRoot() throws Exception {
    Machine.requireRoot();
    scratch = ScratchDirectory.create();
    root = new DataRoot(scratch.resolve("root"), driver);
    pristine = scratch.resolve("pristine");
    base = scratch.resolve("base.tar");
    Busybox.writeRootTo(base);
    try (DockerDaemon daemon = DockerDaemon.start(root.path(), driver)) {
      daemon.docker("import", "--change", "CMD cat /new", base, "box:1");
      daemon.docker(
          "run", "--network=none", "--name=changed", "box:1", "/bin/sh", "-c", "echo new > /new");
      daemon.docker("commit", "--author=me", "--message=why", "changed", "box:2");
      daemon.docker("tag", "box:2", "example.com/team/box:x");
      daemon.docker("create", "--name=empty", "box:1", "true");
      daemon.docker("commit", "empty", "box:3");
      tags = tags(daemon);
      parents = new TreeMap<>();
      for (String name : tags.keySet()) {
        parents.put(name, inspect(daemon, name, "{{.Parent}}"));
      }
      history =
          daemon
              .docker("history", "--no-trunc", "--format={{.CreatedBy}}|{{.Comment}}", "box:2")
              .lines();
      changed = daemon.docker("inspect", "--format={{.Id}}", "changed").text();
      daemon.stop();
    }
    Tool.require("mv").run(root.path(), pristine);
  }

  @AfterAll
  void deleteAll() throws Exception {
    if (scratch != null) {
      scratch.close();
    }
  }

  /** At the same path each time: dockerd keeps absolute paths in the files of a container. */
  @BeforeEach
  void copyRoot() throws Exception {
    Tool.require("rm").run("-rf", root.path());
    Tool.require("cp").run("--archive", pristine, root.path());
  }

  @Test
  void open_rootOfDocker_hasItsImagesWithNamesAndParents() throws Exception {
    try (LayerStore store = open()) {
      assertEquals(RecoveryReport.CLEAN, store.recoveryReport());
      assertEquals(tags, names(store));
      Map<String, String> found = new TreeMap<>();
      for (String name : tags.keySet()) {
        found.put(name, store.images().resolve(name).parent().map(ImageId::toString).orElse(""));
      }
      assertEquals(parents, found);
    }
  }

  @Test
  void history_rootOfDocker_isWhatDockerPrints() throws Exception {
    try (LayerStore store = open()) {
      List<String> steps = new ArrayList<>();
      for (HistoryEntry step : store.images().resolve("box:2").config().history()) {
        steps.add(text(step.createdBy().orElse(null)) + "|" + text(step.comment().orElse(null)));
      }
      Collections.reverse(steps);
      assertEquals(history, steps);
      assertEquals("me", store.images().resolve("box:2").config().author().orElseThrow());
    }
  }

  private static String text(String textOrNull) {
    return textOrNull == null ? "" : textOrNull;
  }

  @Test
  void config_commitOfNoChanges_isMadeAsDockerMakesIt() throws Exception {
    try (LayerStore store = open()) {
      Image ofDocker = store.images().resolve("box:3");
      Image parent = store.images().resolve("box:1");
      RWLayer work = store.createRWLayer("work", parent.topLayer().orElseThrow());
      Image ours =
          store.images().commit(work, CommitImageOptions.builder().parent(parent.id()).build());
      store.releaseRWLayer(work);
      assertEquals(ofDocker.config().diffIds(), ours.config().diffIds());
      assertEquals(
          ofDocker.config().history().stream().map(HistoryEntry::isEmptyLayer).toList(),
          ours.config().history().stream().map(HistoryEntry::isEmptyLayer).toList());
      assertEquals(ofDocker.parent(), ours.parent());
    }
  }

  @Test
  void releaseRWLayer_ofAContainer_leavesTheLayersOfImages() throws Exception {
    List<String> layers = root.chainIds();
    try (LayerStore store = open()) {
      for (LayerInfo info : store.layers()) {
        assertEquals(List.of(), store.release(store.get(info.chainId())));
      }
      assertEquals(List.of(), store.releaseRWLayer(store.getRWLayer(changed)));
    }
    assertEquals(layers, root.chainIds());
  }

  @Test
  void start_afterImagesAndTagsWereChanged_hasWhatIsThereNow() throws Exception {
    Map<String, String> expected = new TreeMap<>(tags);
    try (LayerStore store = open()) {
      ImageStore images = store.images();
      images.references().addTag(ref("localhost:5000/new:tag"), id(tags.get("box:1")), false);
      images.references().remove(ref("example.com/team/box:x"));
      images.delete(id(tags.get("box:3")), true);
      Image imported =
          images.importRootFs(
              LayerSource.of(new TarBuilder().file("hello", "imported").end().toBytes()),
              ImportOptions.builder().reference(ref("ours:imported")).build());
      RWLayer container = store.getRWLayer(changed);
      Image committed =
          images.commit(
              container,
              CommitImageOptions.builder()
                  .parent(id(tags.get("box:1")))
                  .reference(ref("ours:committed"))
                  .comment("from Java")
                  .build());
      container.close();
      expected.put("localhost:5000/new:tag", tags.get("box:1"));
      expected.remove("example.com/team/box:x");
      expected.remove("box:3");
      expected.put("ours:imported", imported.id().toString());
      expected.put("ours:committed", committed.id().toString());
    }

    try (DockerDaemon daemon = startCleanly()) {
      assertEquals(expected, tags(daemon));
      assertEquals("new", daemon.docker("run", "--network=none", "ours:committed").text());
      assertEquals("from Java", inspect(daemon, "ours:committed", "{{.Comment}}"));
      assertEquals(tags.get("box:1"), inspect(daemon, "ours:committed", "{{.Parent}}"));
      assertSavesWithItsId(daemon, "ours:imported", expected.get("ours:imported"));
      assertSavesWithItsId(daemon, "box:2", expected.get("box:2"));
      daemon.stop();
    }

    try (LayerStore store = open()) {
      assertEquals(RecoveryReport.CLEAN, store.recoveryReport());
      assertEquals(expected, names(store));
    }
  }

  @Test
  void start_afterPrune_hasWhatIsInUse() throws Exception {
    try (LayerStore store = open()) {
      ImageStore images = store.images();
      images.references().remove(ref("box:2"));
      images.references().remove(ref("example.com/team/box:x"));
      assertEquals(
          List.of(id(tags.get("box:2"))),
          images.prune(images.planPrune(PruneOptions.DEFAULT)).images());
    }
    Map<String, String> expected = new TreeMap<>(tags);
    expected.remove("box:2");
    expected.remove("example.com/team/box:x");

    try (DockerDaemon daemon = startCleanly()) {
      assertEquals(expected, tags(daemon));
      daemon.docker("start", "--attach", "changed");
      daemon.stop();
    }
  }

  @Test
  void start_ownRoot_listsRunsSavesAndRemovesOurImages() throws Exception {
    Tool.require("rm").run("-rf", root.path());
    Map<String, String> expected = new TreeMap<>();
    try (LayerStore store = open()) {
      Image first =
          store
              .images()
              .importRootFs(
                  LayerSource.of(base),
                  ImportOptions.builder()
                      .reference(ref("ours"))
                      .changes(List.of("ENV GREETING=hello", "CMD echo $GREETING; cat /from-java"))
                      .build());
      RWLayer work = store.createRWLayer("work", first.topLayer().orElseThrow());
      try (Mount mount = work.mount()) {
        Files.writeString(mount.path().resolve("from-java"), "committed\n");
      }
      Image second =
          store
              .images()
              .commit(work, CommitImageOptions.builder().reference(ref("ours:2")).build());
      store.releaseRWLayer(work);
      expected.put("ours:latest", first.id().toString());
      expected.put("ours:2", second.id().toString());
    }

    try (DockerDaemon daemon = startCleanly()) {
      assertEquals(expected, tags(daemon));
      assertEquals(
          "hello\ncommitted\n", daemon.docker("run", "--network=none", "--rm", "ours:2").out());
      assertSavesWithItsId(daemon, "ours:2", expected.get("ours:2"));
      daemon.docker("rmi", "ours:2", "ours:latest");
      daemon.stop();
    }
    assertEquals(List.of(), root.chainIds());
    try (LayerStore store = open()) {
      assertEquals(RecoveryReport.CLEAN, store.recoveryReport());
      assertEquals(List.of(), store.images().list());
    }
  }

  private void assertSavesWithItsId(DockerDaemon daemon, String name, String id) throws Exception {
    Path directory = Files.createTempDirectory(scratch.path(), "saved");
    Path archive = directory.resolve("saved.tar");
    daemon.docker("save", "--output", archive, name);
    io.layerstore.testing.Image saved =
        io.layerstore.testing.Image.read(archive, directory.resolve("saved"));
    assertEquals(id, saved.id());
    for (Path layer : saved.layers()) {
      assertTrue(saved.config().contains(Sha256.of(layer)), layer + " is not as registered");
    }
  }

  private LayerStore open() throws Exception {
    return LayerStore.builder(root.path()).driver(driver).open();
  }

  private DockerDaemon startCleanly() throws Exception {
    return DockerDaemon.startCleanly(root.path(), driver);
  }

  private static ImageReference ref(String text) {
    return ImageReference.parse(text);
  }

  private static ImageId id(String text) {
    return ImageId.parse(text);
  }

  private static String inspect(DockerDaemon daemon, String name, String format) throws Exception {
    return daemon.docker("image", "inspect", "--format=" + format, name).text();
  }

  /** Image IDs by name, as dockerd lists them. */
  private static Map<String, String> tags(DockerDaemon daemon) throws Exception {
    Map<String, String> tags = new TreeMap<>();
    for (String line :
        daemon
            .docker("images", "--no-trunc", "--format={{.Repository}}:{{.Tag}} {{.ID}}")
            .lines()) {
      String[] parts = line.split(" ", -1);
      tags.put(parts[0], parts[1]);
    }
    return tags;
  }

  /** Image IDs by name, as the library lists them. */
  private static Map<String, String> names(LayerStore store) {
    Map<String, String> names = new TreeMap<>();
    store
        .images()
        .references()
        .list()
        .forEach((name, id) -> names.put(name.toString(), id.toString()));
    return names;
  }
}
