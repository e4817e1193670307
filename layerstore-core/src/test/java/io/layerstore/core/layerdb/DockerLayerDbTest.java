package io.layerstore.core.layerdb;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.Durability;
import io.layerstore.spi.DriverIds;
import io.layerstore.spi.LayerRecord;
import io.layerstore.spi.MetadataStore.Leftover;
import io.layerstore.spi.MetadataTransaction;
import io.layerstore.spi.RWLayerRecord;
import io.layerstore.testing.Busybox;
import io.layerstore.testing.DataRoot;
import io.layerstore.testing.DockerDaemon;
import io.layerstore.testing.ScratchDirectory;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;

/** A layer database that a real dockerd has written, and that it goes on with after us. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class DockerLayerDbTest {

  private static ScratchDirectory scratch;
  private static DataRoot root;

  @BeforeAll
  static void makeImagesAndAContainer() throws Exception {
    scratch = ScratchDirectory.create();
    root = new DataRoot(scratch.resolve("root"), "vfs");
    Path tar = scratch.resolve("box.tar");
    Busybox.writeRootTo(tar);
    try (DockerDaemon daemon = DockerDaemon.start(root.path(), "vfs")) {
      daemon.docker("import", tar, "box");
      daemon.docker("run", "--network=none", "--name", "made", "box", "touch", "/made");
      daemon.docker("commit", "made", "child");
      daemon.docker("create", "--network=none", "--name", "kept", "child", "true");
      daemon.docker("tag", "box", "doomed");
      daemon.stop();
    }
  }

  @AfterAll
  static void delete() throws Exception {
    scratch.close();
  }

  private static FileMetadataStore open(boolean readOnly) throws Exception {
    return FileMetadataStore.open(root.layerDb(), Durability.FULL, readOnly);
  }

  @Test
  @Order(1)
  void layers_ofDocker_areReadAsItWroteThem() throws Exception {
    FileMetadataStore store = open(true);
    assertEquals(root.chainIds(), store.layers().stream().map(ChainId::toString).toList());
    assertEquals(2, store.layers().size());
    for (ChainId chainId : store.layers()) {
      LayerRecord record = store.layer(chainId);
      String text = chainId.toString();
      assertEquals(root.texts("diff").get(text), record.diffId().toString());
      assertEquals(root.texts("size").get(text), Long.toString(record.sizeBytes()));
      assertEquals(root.cacheId(text), record.cacheId());
      assertEquals(
          Optional.ofNullable(root.texts("parent").get(text)),
          Optional.ofNullable(record.parent()).map(ChainId::toString));
      try (InputStream in = new GZIPInputStream(store.tarSplit(chainId))) {
        assertTrue(in.readAllBytes().length > 0);
      }
    }
  }

  @Test
  @Order(2)
  void mounts_ofDocker_areReadAsItWroteThem() throws Exception {
    FileMetadataStore store = open(true);
    assertEquals(root.mounts(), store.rwLayers());
    assertEquals(2, store.rwLayers().size());
    for (String name : store.rwLayers()) {
      RWLayerRecord mount = store.rwLayer(name);
      Path directory = root.layerDb().resolve("mounts").resolve(name);
      assertEquals(Files.readString(directory.resolve("mount-id")), mount.mountId());
      assertEquals(Files.readString(directory.resolve("init-id")), mount.initId());
      assertNotNull(mount.parent());
    }
  }

  @Test
  @Order(3)
  void unfinished_afterAnOrderlyEnd_isNothing() throws Exception {
    FileMetadataStore store = open(true);
    assertEquals(List.of(), store.unfinishedRemovals());
    assertEquals(List.of(), store.unfinishedTransactions());
    assertEquals(List.of(), store.unfinishedRWLayers());
    assertTrue(store.recoveryReport().isClean());
  }

  @Test
  @Order(4)
  void leftovers_ofOurs_disturbNoDaemonAndItFinishesTheRemoval() throws Exception {
    FileMetadataStore store = open(false);
    store.begin(DriverIds.random());
    store.beginRWLayer(new RWLayerRecord("ours", DriverIds.random(), null, null));
    ChainId child =
        store.layers().stream()
            .filter(chainId -> Files.exists(root.layer(chainId.toString()).resolve("parent")))
            .findFirst()
            .orElseThrow();
    String kept =
        store.rwLayers().stream()
            .filter(name -> isOn(store, name, child))
            .findFirst()
            .orElseThrow();
    List<String> layersBefore = root.chainIds();
    Leftover orphan = makeOrphan(store, child);

    try (DockerDaemon daemon = DockerDaemon.start(root.path(), "vfs")) {
      assertEquals(
          List.of("box:latest", "child:latest", "doomed:latest"),
          daemon.docker("images", "--format", "{{.Repository}}:{{.Tag}}").lines().stream()
              .sorted()
              .toList());
      assertTrue(daemon.docker("ps", "-aq", "--no-trunc").text().contains(kept));
      daemon.stop();
    }
    assertEquals(layersBefore, open(true).layers().stream().map(ChainId::toString).toList());
    assertFalse(Files.exists(root.layerDb().resolve("sha256").resolve(orphan.key())));
    assertFalse(Files.exists(root.driverHome().resolve("dir").resolve(orphan.cacheId())));
    assertEquals(List.of(), open(true).unfinishedRemovals());
    assertEquals(1, open(true).unfinishedTransactions().size());
    assertEquals(1, open(true).unfinishedRWLayers().size());
  }

  /** A layer of ours, with a directory in the driver, whose removal is begun and not finished. */
  private static Leftover makeOrphan(FileMetadataStore store, ChainId parent) throws Exception {
    String cacheId = DriverIds.random();
    Files.createDirectory(root.driverHome().resolve("dir").resolve(cacheId));
    DiffId diffId = DiffId.EMPTY_TAR;
    ChainId chainId = ChainId.of(parent, diffId);
    try (MetadataTransaction transaction = store.begin(cacheId)) {
      transaction.writeTarSplit().close();
      transaction.commit(new LayerRecord(chainId, diffId, parent, cacheId, 0, null));
    }
    return store.beginRemoval(chainId);
  }

  private static boolean isOn(FileMetadataStore store, String mount, ChainId parent) {
    try {
      return parent.equals(store.rwLayer(mount).parent());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
