package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.Change;
import io.layerstore.CommitImageOptions;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.PruneOptions;
import io.layerstore.PruneReport;
import io.layerstore.RWLayer;
import io.layerstore.RWLayerInfo;
import io.layerstore.RecoveryReport;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * A data root that dockerd wrote with the graph driver under test, used by the library and then by
 * dockerd again. Needs root and dockerd.
 *
 * <p>On it are an imported image ({@code box:1}), one committed from a container ({@code box:2}),
 * one that was loaded ({@code known:1}), two that were built ({@code built:1}; with BuildKit {@code
 * built:2}), and stopped containers: {@code changed} with changes of every kind, {@code untouched}
 * without any.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class DockerRootContract {

  private static final String CHANGES =
      """
      set -e
      echo added > /added
      mkdir -p /dir/sub && echo deep > /dir/sub/file
      echo replaced > /etc/motd
      rm /etc/issue
      chmod 700 /data/mode
      chown 12:34 /data/owner
      rm -r /data/gone
      rm /data/file-to-directory && mkdir /data/file-to-directory && echo x > /data/file-to-directory/x
      rm -r /data/directory-to-file && echo file > /data/directory-to-file
      ln -s ../etc/motd /data/link
      ln /data/kept /data/hard-link
      mkfifo /data/fifo
      """;

  private static final String CHANGES_OF_BOX_2 =
      """
      set -e
      rm /added
      chmod 600 /etc/motd
      mv /data/owner /data/moved
      echo x > /dir/sub/more
      """;

  private static final String DOCKERFILE =
      """
      FROM box:1
      RUN echo built > /built && rm /data/kept
      RUN mkdir /data/new && mv /data/mode /data/new/moved
      """;

  private final String driver;
  private ScratchDirectory scratch;
  private DataRoot root;
  private Path pristine;
  private List<String> images;
  private List<String> changes;
  private String changed;
  private String untouched;
  private Map<String, List<String>> savedLayers;

  /** Tests the graph driver called {@code driver}. */
  protected DockerRootContract(String driver) {
    this.driver = driver;
  }

  @BeforeAll
  void letDockerWriteTheRoot() throws Exception {
    Machine.requireRoot();
    scratch = ScratchDirectory.create();
    root = new DataRoot(scratch.resolve("root"), driver);
    pristine = scratch.resolve("pristine");
    try (DockerDaemon daemon = DockerDaemon.start(root.path(), driver)) {
      daemon.docker("import", base(), "box:1");
      daemon.docker("run", "--network=none", "--name=changed", "box:1", "/bin/sh", "-c", CHANGES);
      daemon.docker("commit", "changed", "box:2");
      daemon.docker("create", "--name=untouched", "box:2", "cat", "/etc/motd");
      daemon.docker("load", "--input", known());
      build(daemon, "0", "built:1");
      build(daemon, "1", "built:2");
      changed = daemon.docker("inspect", "--format={{.Id}}", "changed").text();
      untouched = daemon.docker("inspect", "--format={{.Id}}", "untouched").text();
      changes = diff(daemon, "changed");
      images = images(daemon);
      savedLayers = saveAll(daemon, "before");
      daemon.stop();
    }
    Tool.require("mv").run(root.path(), pristine);
    copyRoot();
  }

  @AfterAll
  void deleteAll() throws Exception {
    if (scratch != null) {
      scratch.close();
    }
  }

  /** At the same path each time: dockerd keeps absolute paths in the files of a container. */
  private void copyRoot() throws Exception {
    Tool.require("rm").run("-rf", root.path());
    Tool.require("cp").run("--archive", pristine, root.path());
  }

  @Nested
  class Open {

    @Test
    void open_rootOfDocker_findsNothingToMend() throws Exception {
      try (LayerStore store = open()) {
        assertEquals(RecoveryReport.CLEAN, store.recoveryReport());
      }
    }

    @Test
    void open_rootOfDocker_choosesItsDriver() throws Exception {
      try (LayerStore store = LayerStore.open(root.path())) {
        assertEquals(driver, store.driverName());
      }
    }

    @Test
    void openReadOnly_rootOfDocker_changesNoFile() throws Exception {
      Map<String, String> before = root.snapshot();
      try (LayerStore store = LayerStore.builder(root.path()).readOnly(true).open()) {
        assertEveryLayerExports(store);
      }
      assertEquals(before, root.snapshot());
    }
  }

  @Nested
  class Layers {

    @Test
    void layers_rootOfDocker_areAllThere() throws Exception {
      try (LayerStore store = open()) {
        assertEquals(
            root.chainIds(),
            store.layers().stream().map(layer -> layer.chainId().toString()).toList());
      }
    }

    @Test
    void layers_rootOfDocker_haveItsDiffIds() throws Exception {
      try (LayerStore store = open()) {
        Map<String, String> diffIds = new TreeMap<>();
        for (LayerInfo layer : store.layers()) {
          diffIds.put(layer.chainId().toString(), layer.diffId().toString());
        }
        assertEquals(root.texts("diff"), diffIds);
      }
    }

    @Test
    void layers_rootOfDocker_haveItsSizes() throws Exception {
      try (LayerStore store = open()) {
        Map<String, String> sizes = new TreeMap<>();
        for (LayerInfo layer : store.layers()) {
          sizes.put(layer.chainId().toString(), Long.toString(layer.diffSizeBytes()));
        }
        assertEquals(root.texts("size"), sizes);
      }
    }

    @Test
    void layers_rootOfDocker_haveItsParents() throws Exception {
      try (LayerStore store = open()) {
        Map<String, String> parents = new TreeMap<>();
        for (LayerInfo layer : store.layers()) {
          layer.parent().ifPresent(id -> parents.put(layer.chainId().toString(), id.toString()));
        }
        assertEquals(root.texts("parent"), parents);
      }
    }

    @Test
    void tarStream_rootOfDocker_hasTheBytesThatDockerSaves() throws Exception {
      try (LayerStore store = open()) {
        assertEveryLayerExports(store);
      }
    }
  }

  @Nested
  class RWLayers {

    @Test
    void rwLayers_rootOfDocker_areItsContainers() throws Exception {
      try (LayerStore store = open()) {
        assertEquals(
            Stream.of(changed, untouched).sorted().toList(),
            store.rwLayers().stream().map(RWLayerInfo::name).toList());
      }
    }

    @Test
    void changes_changedContainer_areWhatDockerDiffPrints() throws Exception {
      try (LayerStore store = open();
          RWLayer layer = store.getRWLayer(changed)) {
        assertEquals(changes, changes(layer));
      }
    }

    @Test
    void changes_untouchedContainer_areNone() throws Exception {
      try (LayerStore store = open();
          RWLayer layer = store.getRWLayer(untouched)) {
        assertEquals(List.of(), changes(layer));
      }
    }
  }

  /** Tests that change the root; a fresh copy is put in its place after each. */
  @Nested
  class InTurns {

    @AfterEach
    void restoreRoot() throws Exception {
      copyRoot();
    }

    @Test
    void openReadOnly_whileDockerRuns_exportsEveryLayer() throws Exception {
      try (DockerDaemon daemon = DockerDaemon.start(root.path(), driver);
          LayerStore store = LayerStore.builder(root.path()).readOnly(true).open()) {
        assertEveryLayerExports(store);
        daemon.stop();
      }
    }

    @Test
    void openReadOnly_dockerDeletesAnImageAndLoadsItAgain_exportsItsNewLayers() throws Exception {
      try (DockerDaemon daemon = DockerDaemon.start(root.path(), driver);
          LayerStore store = LayerStore.builder(root.path()).readOnly(true).open()) {
        Map<String, String> cacheIds = cacheIds(store);
        daemon.docker("rmi", "known:1");
        assertNotEquals(cacheIds.keySet(), cacheIds(store).keySet());
        daemon.docker("load", "--input", scratch.resolve("known/image.tar"));

        assertEveryLayerExports(store);
        assertEquals(cacheIds.keySet(), cacheIds(store).keySet());
        assertNotEquals(cacheIds, cacheIds(store));
        daemon.stop();
      }
    }

    private Map<String, String> cacheIds(LayerStore store) {
      Map<String, String> cacheIds = new TreeMap<>();
      store.layers().forEach(info -> cacheIds.put(info.chainId().toString(), info.cacheId()));
      return cacheIds;
    }

    @Test
    void open_afterDockerWasKilled_hasTheLayersAndTheRunningContainer() throws Exception {
      String running;
      List<String> changesWhileRunning;
      try (DockerDaemon daemon = DockerDaemon.start(root.path(), driver)) {
        running =
            daemon
                .docker(
                    "run", "--detach", "--network=none", "--name=running", "box:2", "sleep", "600")
                .text();
        daemon.docker("exec", "running", "/bin/sh", "-c", CHANGES_OF_BOX_2);
        changesWhileRunning = diff(daemon, "running");
        daemon.kill();
      }
      try (LayerStore store = open()) {
        assertEveryLayerExports(store);
        assertTrue(changesWhileRunning.contains("D /added"), changesWhileRunning::toString);
        try (RWLayer layer = store.getRWLayer(running);
            Mount mount = layer.mount()) {
          assertEquals(changesWhileRunning, changes(layer));
          assertEquals("deep", Files.readString(mount.path().resolve("dir/sub/file")).strip());
          assertTrue(Files.notExists(mount.path().resolve("added")));
          Files.writeString(mount.path().resolve("etc/motd"), "after the kill\n");
        }
      }

      try (DockerDaemon daemon = startCleanly()) {
        assertEquals(images, images(daemon));
        daemon.docker("start", "running");
        assertEquals("after the kill", daemon.docker("exec", "running", "cat", "/etc/motd").text());
        daemon.docker("rm", "--force", "running");
        daemon.stop();
      }
    }

    @Test
    void delete_imageBuiltByDocker_dockerHasTheOthers() throws Exception {
      List<String> kept = new ArrayList<>(images);
      try (LayerStore store = open()) {
        for (String name : List.of("built:1", "built:2")) {
          store.images().delete(store.images().resolve(name).id(), true);
          kept.removeIf(line -> line.contains(" " + name + " "));
        }
        assertEveryLayerExports(store);
      }

      try (DockerDaemon daemon = startCleanly()) {
        assertEquals(kept, images(daemon).stream().filter(kept::contains).toList());
        assertEquals(
            List.of(), images(daemon).stream().filter(line -> line.contains(" built:")).toList());
        daemon.stop();
      }
    }

    @Test
    void delete_imageOfTheClassicBuilder_deletesItsOwnLayer() throws Exception {
      // The layer below is of an image of the builder's, one for each step.
      try (LayerStore store = open()) {
        assertEquals(1, store.images().delete(store.images().resolve("built:1").id(), true).size());
      }
    }

    @Test
    void build_afterEverythingUnusedWasPruned_findsTheCacheOfBuildKit() throws Exception {
      try (LayerStore store = open()) {
        for (String container : List.of(changed, untouched)) {
          store.releaseRWLayer(store.getRWLayer(container));
          Tool.require("rm").run("-r", root.path().resolve("containers").resolve(container));
        }
        PruneReport report =
            store.images().prune(store.images().planPrune(PruneOptions.EVERYTHING_UNUSED));
        assertEquals(List.of(), store.images().list());
        assertTrue(
            report.spared().stream().anyMatch(line -> line.contains("buildkit/snapshots.db")),
            report.spared()::toString);
        assertEquals(3, store.layers().size(), "box:1, and two steps of built:2");
      }

      try (DockerDaemon daemon = startCleanly()) {
        daemon.docker("import", scratch.resolve("base.tar"), "box:1");
        String output = build(daemon, "1", "built:3");
        assertTrue(output.contains("CACHED"), output);
        assertEquals(
            "built", daemon.docker("run", "--network=none", "built:3", "cat", "/built").text());
        daemon.stop();
      }
    }

    @Test
    void commit_containerOfOneOfTwins_isMadeFromTheOneThatDockerNoted() throws Exception {
      String container;
      String twin;
      try (DockerDaemon daemon = startCleanly()) {
        Path context = Files.createDirectory(scratch.resolve("twins"));
        Files.writeString(context.resolve("Dockerfile"), "FROM box:2\nENV twin=yes\n");
        daemon.client().with("DOCKER_BUILDKIT", "0").run("build", "--tag", "twin:1", context);
        twin = daemon.docker("inspect", "--format={{.Id}}", "twin:1").text();
        container =
            daemon.docker("run", "--detach", "--network=none", "twin:1", "touch", "/x").text();
        daemon.docker("wait", container);
        daemon.stop();
      }
      try (LayerStore store = open();
          RWLayer layer = store.getRWLayer(container)) {
        assertEquals(
            twin,
            store
                .images()
                .commit(layer, CommitImageOptions.DEFAULT)
                .parent()
                .orElseThrow()
                .toString());
      }
    }

    @Test
    void commit_changedContainer_hasTheFilesOfTheContainer() throws Exception {
      try (LayerStore store = open();
          RWLayer container = store.getRWLayer(changed);
          Layer layer = container.commit();
          RWLayer copy = store.createRWLayer("copy", layer.chainId());
          Mount mount = copy.mount()) {
        assertEquals("replaced\n", Files.readString(mount.path().resolve("etc/motd")));
        assertTrue(Files.notExists(mount.path().resolve("etc/issue")));
      }
    }

    @Test
    void start_afterOpen_hasItsImages() throws Exception {
      open().close();

      try (DockerDaemon daemon = startCleanly()) {
        assertEquals(images, images(daemon));
        daemon.stop();
      }
    }

    @Test
    void start_afterRegister_savesTheSameLayers() throws Exception {
      try (LayerStore store = open();
          Layer layer = register(store, AppendixA.WH, null)) {
        register(store, AppendixA.PLAIN, layer).close();
      }

      try (DockerDaemon daemon = startCleanly()) {
        assertEquals(savedLayers, saveAll(daemon, "after"));
        daemon.stop();
      }
    }

    @Test
    void start_afterWorkOnItsLayers_savesTheSameLayers() throws Exception {
      try (LayerStore store = open()) {
        for (LayerInfo info : store.layers()) {
          // Holds what only an image of Docker's holds: a release would go on to it otherwise.
          try (Layer held = store.get(info.chainId())) {
            RWLayer work = store.createRWLayer("work", held.chainId());
            try (Mount mount = work.mount()) {
              Files.writeString(mount.path().resolve("written-here"), "text");
            }
            store.release(work.commit());
            store.releaseRWLayer(work);
          }
        }
      }

      try (DockerDaemon daemon = startCleanly()) {
        assertEquals(savedLayers, saveAll(daemon, "after"));
        daemon.stop();
      }
    }

    @Test
    void start_afterCreateRWLayer_hasItsImages() throws Exception {
      try (LayerStore store = open()) {
        for (LayerInfo info : store.layers()) {
          store.createRWLayer("kept-" + info.depth() + info.cacheId(), info.chainId()).close();
        }
      }

      try (DockerDaemon daemon = startCleanly()) {
        assertEquals(images, images(daemon));
        daemon.stop();
      }
    }

    @Test
    void diff_afterChangesAreRead_isTheSame() throws Exception {
      try (LayerStore store = open();
          RWLayer layer = store.getRWLayer(changed)) {
        assertEquals(changes.size(), changes(layer).size());
      }

      try (DockerDaemon daemon = startCleanly()) {
        assertEquals(changes, diff(daemon, "changed"));
        daemon.stop();
      }
    }

    @Test
    void startContainer_changedThroughTheStore_seesTheChange() throws Exception {
      try (LayerStore store = open();
          RWLayer layer = store.getRWLayer(untouched);
          Mount mount = layer.mount()) {
        Files.writeString(mount.path().resolve("etc/motd"), "from Java\n");
      }

      try (DockerDaemon daemon = startCleanly()) {
        assertEquals(List.of("C /etc", "C /etc/motd"), diff(daemon, "untouched"));
        assertEquals("from Java", daemon.docker("start", "--attach", "untouched").text());
        daemon.stop();
      }
    }

    @Test
    void remove_everything_leavesNoLayer() throws Exception {
      open().close();

      try (DockerDaemon daemon = startCleanly()) {
        daemon.docker("rm", "changed", "untouched");
        daemon.docker("rmi", "built:2", "built:1", "box:2", "known:1", "box:1");
        daemon.docker("builder", "prune", "--all", "--force");
        daemon.stop();
      }

      assertEquals(List.of(), root.chainIds());
    }
  }

  private LayerStore open() throws Exception {
    return LayerStore.builder(root.path()).driver(driver).open();
  }

  private static Layer register(LayerStore store, AppendixA archive, Layer parent)
      throws Exception {
    return store.register(
        new ByteArrayInputStream(archive.bytes()), parent == null ? null : parent.chainId());
  }

  private DockerDaemon startCleanly() throws Exception {
    return DockerDaemon.startCleanly(root.path(), driver);
  }

  private void assertEveryLayerExports(LayerStore store) throws Exception {
    Map<String, String> digests = new TreeMap<>();
    for (LayerInfo info : store.layers()) {
      try (Layer layer = store.get(info.chainId());
          InputStream tar = layer.tarStream()) {
        digests.put(info.chainId().toString(), Sha256.of(tar));
      }
    }
    assertEquals(root.texts("diff"), digests);
  }

  private static List<String> changes(RWLayer layer) throws Exception {
    try (Stream<Change> changes = layer.changes()) {
      return changes.map(Change::toString).sorted().toList();
    }
  }

  private static List<String> diff(DockerDaemon daemon, String container) throws Exception {
    return daemon.docker("diff", container).lines().stream().sorted().toList();
  }

  /** Image IDs, names and sizes. */
  private static List<String> images(DockerDaemon daemon) throws Exception {
    return daemon
        .docker("images", "--no-trunc", "--format={{.ID}} {{.Repository}}:{{.Tag}} {{.Size}}")
        .lines()
        .stream()
        .sorted()
        .toList();
  }

  /** The digests of the layers that {@code docker save} gives out, by image. */
  private Map<String, List<String>> saveAll(DockerDaemon daemon, String name) throws Exception {
    Map<String, List<String>> digests = new TreeMap<>();
    Path directory = Files.createTempDirectory(scratch.path(), name);
    for (String image : List.of("box:1", "box:2", "known:1", "built:1", "built:2")) {
      Path archive = directory.resolve(image + ".tar");
      daemon.docker("save", "--output", archive, image);
      List<String> layers = new ArrayList<>();
      for (Path layer : Image.read(archive, directory.resolve(image)).layers()) {
        layers.add(Sha256.of(layer));
      }
      digests.put(image, layers);
    }
    return digests;
  }

  private Path base() throws Exception {
    Path tree = scratch.resolve("base");
    Busybox.createRoot(tree);
    Tool.require("bash")
        .in(tree)
        .run(
            "-euc",
            """
            mkdir -p data/gone/deep data/directory-to-file
            echo motd > etc/motd
            echo issue > etc/issue
            for name in mode owner kept file-to-directory gone/deep/file directory-to-file/file; do
              echo $name > data/$name
            done
            """);
    Path tar = scratch.resolve("base.tar");
    Busybox.archive(tree, tar);
    return tar;
  }

  private Path known() throws Exception {
    Path directory = Files.createDirectory(scratch.resolve("known"));
    List<AppendixA> archives = List.of(AppendixA.TWO_BASE, AppendixA.TWO_TOP, AppendixA.NONUTF8);
    List<Path> layers = new ArrayList<>();
    for (AppendixA archive : archives) {
      layers.add(Files.write(directory.resolve(archive.name()), archive.bytes()));
    }
    return Image.of(archives.stream().map(AppendixA::diffId).toList(), layers)
        .writeTo(directory, "known:1");
  }

  /** Returns what the client says about it. */
  private String build(DockerDaemon daemon, String buildKit, String tag) throws Exception {
    Path context = Files.createDirectories(scratch.resolve("context" + buildKit));
    Files.writeString(context.resolve("Dockerfile"), DOCKERFILE);
    Tool.Result result =
        daemon
            .client()
            .with("DOCKER_BUILDKIT", buildKit)
            .run("build", "--network=none", "--tag", tag, context);
    return result.out() + result.err();
  }
}
