package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ChainId;
import io.layerstore.Descriptor;
import io.layerstore.Digest;
import io.layerstore.ImageId;
import io.layerstore.ImageReference;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.Platform;
import io.layerstore.RWLayer;
import io.layerstore.RecoveryReport;
import io.layerstore.RegisterOptions;
import io.layerstore.StoreLockedException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A data root that the library wrote from nothing with the graph driver under test, used by
 * dockerd: three registered layers and one that was committed, as an image {@code ours:1}. Needs
 * root and dockerd.
 */
public abstract class OwnRootInDockerContract {

  private final String driver;
  private final List<String> layerDirectories;
  private ScratchDirectory scratch;
  private DataRoot root;
  private final List<String> diffIds = new ArrayList<>();

  /**
   * Tests a graph driver.
   *
   * @param driver its name
   * @param layerDirectories where it keeps layers, below its home
   */
  protected OwnRootInDockerContract(String driver, String... layerDirectories) {
    this.driver = driver;
    this.layerDirectories = List.of(layerDirectories);
  }

  @BeforeEach
  void writeRoot() throws Exception {
    Machine.requireRoot();
    DockerDaemon.program();
    scratch = ScratchDirectory.create();
    root = new DataRoot(scratch.resolve("root"), driver);
    Path busybox = scratch.resolve("busybox.tar");
    Busybox.writeRootTo(busybox);
    try (LayerStore store = open()) {
      ChainId chainId = register(store, busybox, null);
      chainId = register(store, file(AppendixA.TWO_BASE), chainId);
      chainId = register(store, file(AppendixA.TWO_TOP), chainId);
      commit(store, chainId);
    }
    root.addImage("ours", "1", Image.of(diffIds, List.of()));
  }

  @AfterEach
  void deleteAll() throws Exception {
    if (scratch != null) {
      scratch.close();
    }
  }

  @Test
  void start_ownRoot_findsFaultWithNothing() throws Exception {
    try (DockerDaemon daemon = DockerDaemon.startCleanly(root.path(), driver)) {
      daemon.stop();
      assertEquals(List.of(), daemon.complaints());
    }
  }

  @Test
  void open_whileDockerRuns_isRefusedForWriting() throws Exception {
    try (DockerDaemon daemon = DockerDaemon.startCleanly(root.path(), driver)) {
      StoreLockedException e = assertThrows(StoreLockedException.class, this::open);
      assertTrue(e.getMessage().contains("in use by a running dockerd"), e::getMessage);
      try (LayerStore store =
          LayerStore.builder(root.path()).driver(driver).readOnly(true).open()) {
        assertEquals(4, store.layers().size());
      }
      daemon.stop();
      assertEquals(List.of(), daemon.complaints());
    }
    open().close();
  }

  /**
   * Every member of a configuration that dockerd reads when it starts ({@code image/store.go},
   * {@code image/image.go}, {@code api/types/container/config.go}), each at the edges of what the
   * library takes. Layers stand where %s is.
   */
  private static final List<String> EDGES =
      List.of(
          "{\"rootfs\":{\"diff_ids\":[%s]}}",
          "{\"os\":\"\",\"architecture\":\"\",\"rootfs\":{\"type\":\"\",\"diff_ids\":[%s]}}",
          "{\"os\":null,\"architecture\":null,\"rootfs\":{\"type\":null,\"diff_ids\":[%s]},\"history\":null}",
          "{\"OS\":\"windows\",\"os\":\"linux\",\"architecture\":\"PDP-11\",\"variant\":\"v9\","
              + "\"os.version\":\"10.0\",\"os.features\":[\"x\",null],\"rootfs\":{\"type\":\"layers+base\",\"diff_ids\":[%s]}}",
          "{\"Os\":\"linux\",\"ROOTFS\":{\"DIFF_IDS\":[\"sha256:0\"]},\"rootfs\":{\"diff_ids\":[%s]}}",
          "{\"o\\u0073\":\"linux\",\"rootfs\":{\"diff_ids\":[%s]},\"\\u0131d\":7,\"unknown\":[{\"a\":1e400}]}",
          "{\"rootfs\":{\"type\":\"layers\"}}",
          "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":null}}",
          "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]},\"history\":[]}",
          "{\"created\":null,\"rootfs\":{\"diff_ids\":[%s]},\"history\":[null]}",
          "{\"created\":\"0001-01-01T00:00:00Z\",\"rootfs\":{\"diff_ids\":[%s]},\"history\":[{}]}",
          "{\"created\":\"9999-12-31T23:59:59.999999999Z\",\"rootfs\":{\"diff_ids\":[%s]}}",
          "{\"created\":\"2021-03-04T05:06:07.1234567891+23:59\",\"rootfs\":{\"diff_ids\":[%s]},"
              + "\"history\":[{\"created\":null,\"created_by\":null,\"comment\":\"c\",\"author\":\"a\"},"
              + "{\"empty_layer\":true}]}",
          "{\"id\":\"x\",\"parent\":\"y\",\"comment\":\"z\",\"container\":\"c\",\"docker_version\":\"1\","
              + "\"author\":\"a\",\"Size\":9223372036854775807,\"rootfs\":{\"diff_ids\":[%s]}}",
          "{\"Size\":-9223372036854775808,\"config\":null,\"container_config\":null,\"rootfs\":{\"diff_ids\":[%s]}}",
          "{\"config\":{},\"container_config\":{\"Cmd\":\"one\"},\"rootfs\":{\"diff_ids\":[%s]}}",
          "{\"config\":{\"Hostname\":\"h\",\"Domainname\":\"d\",\"User\":\"u\",\"AttachStdin\":true,"
              + "\"ExposedPorts\":{\"80/tcp\":{},\"x\":null,\"\":{}},\"Tty\":null,\"Env\":[\"A=b\",null,\"\"],"
              + "\"Cmd\":[\"c\",null],\"Healthcheck\":{\"Test\":[\"NONE\"],\"Interval\":1,\"Timeout\":-1,"
              + "\"StartPeriod\":0,\"StartInterval\":2,\"Retries\":3},\"ArgsEscaped\":true,\"Image\":\"i\","
              + "\"Volumes\":{\"/v\":{},\"\":null},\"WorkingDir\":\"../w\",\"Entrypoint\":\"e\","
              + "\"NetworkDisabled\":true,\"MacAddress\":\"m\",\"OnBuild\":[\"RUN x\"],"
              + "\"Labels\":{\"k\":\"v\",\"\":null},\"StopSignal\":\"NONE\",\"StopTimeout\":-1,\"Shell\":\"s\"},"
              + "\"rootfs\":{\"diff_ids\":[%s]}}");

  @Test
  void start_imagesAtTheEdgesOfWhatIsTaken_areAllRestored() throws Exception {
    Set<String> ids = new TreeSet<>();
    try (LayerStore store = open()) {
      String base = '"' + diffIds.get(0) + '"';
      registerWithDescriptor(store);
      for (String edge : EDGES) {
        byte[] config = edge.replace("%s", base).getBytes(StandardCharsets.UTF_8);
        ids.add(store.images().create(config).id().toString());
      }
      String first = ids.iterator().next();
      ImageId named = ImageId.parse(first);
      ImageReference longest =
          ImageReference.parse(
              "a".repeat(255 - "docker.io/library/".length()) + ":" + "T".repeat(128));
      for (ImageReference name :
          List.of(longest, ImageReference.parse("localhost:5000/a__b/c.d--e:_"))) {
        store.images().references().addTag(name, named, false);
      }
      store
          .images()
          .setParent(named, ImageId.parse(ids.stream().skip(1).findFirst().orElseThrow()));
    }

    try (DockerDaemon daemon = DockerDaemon.startCleanly(root.path(), driver)) {
      Set<String> found =
          new TreeSet<>(
              daemon.docker("images", "--all", "--quiet", "--no-trunc", "--digests").lines());
      found.retainAll(ids);
      assertEquals(ids, found);
      daemon.stop();
      assertEquals(List.of(), daemon.complaints());
    }
  }

  private static void registerWithDescriptor(LayerStore store) throws Exception {
    Descriptor descriptor =
        new Descriptor(
            "\u00e9<>&\u2028",
            Long.MAX_VALUE,
            Digest.parse("sha512:" + "0".repeat(128)),
            List.of("", "%%\u0000"),
            Map.of("", "", "k", "\ud800"),
            Optional.of(
                new Platform("", "Linux", Optional.of("1"), List.of(""), Optional.of("v"))));
    store
        .register(
            LayerSource.of(AppendixA.PLAIN.bytes()),
            RegisterOptions.builder().descriptor(descriptor).build())
        .close();
  }

  @Test
  void images_ownRoot_listsTheImageWithTheSumOfItsLayers() throws Exception {
    long size = root.texts("size").values().stream().mapToLong(Long::parseLong).sum();
    try (DockerDaemon daemon = start()) {
      assertEquals(
          Long.toString(size),
          daemon.docker("image", "inspect", "--format={{.Size}}", "ours:1").text());
      daemon.stop();
    }
  }

  @Test
  void save_ownRoot_givesTheLayersThatWereRegistered() throws Exception {
    try (DockerDaemon daemon = start()) {
      Path archive = scratch.resolve("saved.tar");
      daemon.docker("save", "--output", archive, "ours:1");
      List<String> digests = new ArrayList<>();
      for (Path layer : Image.read(archive, scratch.resolve("saved")).layers()) {
        digests.add(Sha256.of(layer));
      }
      assertEquals(diffIds, digests);
      daemon.stop();
    }
  }

  @Test
  void run_ownRoot_showsTheFilesOfAllLayers() throws Exception {
    try (DockerDaemon daemon = start()) {
      assertEquals(
          "N\nnow file\ncommitted\n",
          daemon
              .docker(
                  "run",
                  "--network=none",
                  "ours:1",
                  "/bin/sh",
                  "-c",
                  "cat /op/new; echo; cat /dirx; echo; cat /from-java; test ! -e /etc/a")
              .out());
      daemon.stop();
    }
  }

  @Test
  void removeImage_ownRoot_leavesNoLayer() throws Exception {
    try (DockerDaemon daemon = start()) {
      daemon.docker("rmi", "ours:1");
      daemon.stop();
    }
    assertNoLayerIsLeft();
  }

  /** As the library does when it is killed after the first step of a removal. */
  private void leaveALayerHalfRemoved() throws Exception {
    Path layer;
    try (LayerStore store = open()) {
      layer = root.layer(register(store, file(AppendixA.PLAIN), null).toString());
    }
    diffIds.remove(AppendixA.PLAIN.diffId());
    Files.move(
        layer, layer.resolveSibling(layer.getFileName() + "-" + "5".repeat(64) + "-removing"));
  }

  private void assertNoLayerIsLeft() throws Exception {
    assertEquals(List.of(), root.chainIds());
    try (LayerStore store = open()) {
      assertEquals(List.of(), store.layers());
    }
    for (String directory : layerDirectories) {
      assertEquals(
          List.of(),
          Tool.require("ls").run("--hide=l", root.driverHome().resolve(directory)).lines(),
          directory);
    }
  }

  @Test
  void everything_afterDockerStartedAndStoppedOnce_worksAgain() throws Exception {
    Path archive = scratch.resolve("again.tar");
    leaveALayerHalfRemoved();
    try (DockerDaemon daemon = DockerDaemon.startCleanly(root.path(), driver)) {
      daemon.stop();
      assertEquals(List.of(), daemon.complaints());
    }
    assertEquals(4, root.chainIds().size(), () -> "what was half removed is gone");
    try (DockerDaemon daemon = DockerDaemon.startCleanly(root.path(), driver)) {
      assertEquals(
          "N", daemon.docker("run", "--rm", "--network=none", "ours:1", "cat", "/op/new").text());
      daemon.docker("save", "--output", archive, "ours:1");
      daemon.docker("rmi", "ours:1");
      daemon.stop();
      assertEquals(List.of(), daemon.complaints());
    }
    List<String> digests = new ArrayList<>();
    for (Path layer : Image.read(archive, scratch.resolve("again")).layers()) {
      digests.add(Sha256.of(layer));
    }
    assertEquals(diffIds, digests);
    assertNoLayerIsLeft();
  }

  @Test
  void open_afterDockerRan_findsNothingToMend() throws Exception {
    try (DockerDaemon daemon = start()) {
      daemon.docker("run", "--network=none", "ours:1", "touch", "/x");
      daemon.docker("commit", daemon.docker("ps", "--all", "--quiet").text(), "ours:2");
      daemon.stop();
    }

    try (LayerStore store = open()) {
      assertEquals(RecoveryReport.CLEAN, store.recoveryReport());
      assertEquals(5, store.layers().size());
    }
  }

  private DockerDaemon start() throws Exception {
    return DockerDaemon.start(root.path(), driver);
  }

  private LayerStore open() throws Exception {
    return LayerStore.builder(root.path()).driver(driver).open();
  }

  private ChainId register(LayerStore store, Path archive, ChainId parent) throws Exception {
    try (InputStream in = Files.newInputStream(archive);
        Layer layer = store.register(in, parent)) {
      diffIds.add(layer.diffId().toString());
      return layer.chainId();
    }
  }

  private void commit(LayerStore store, ChainId parent) throws Exception {
    RWLayer work = store.createRWLayer("work", parent);
    try (Mount mount = work.mount()) {
      Files.writeString(mount.path().resolve("from-java"), "committed\n");
    }
    try (Layer layer = work.commit()) {
      diffIds.add(layer.diffId().toString());
    }
    store.releaseRWLayer(work);
  }

  private Path file(AppendixA archive) throws Exception {
    return Files.write(scratch.resolve(archive.name()), archive.bytes());
  }
}
