package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.ChainId;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.RecoveryReport;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
    Tool.require("dockerd");
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
