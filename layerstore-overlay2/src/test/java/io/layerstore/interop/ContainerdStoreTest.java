package io.layerstore.interop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.CommitImageOptions;
import io.layerstore.Compression;
import io.layerstore.Image;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.ImageTarget;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LoadOptions;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.SaveOptions;
import io.layerstore.StoreNotFoundException;
import io.layerstore.testing.Busybox;
import io.layerstore.testing.DataRoot;
import io.layerstore.testing.DockerDaemon;
import io.layerstore.testing.Machine;
import io.layerstore.testing.ScratchDirectory;
import io.layerstore.testing.Sha256;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Images to and from a dockerd that keeps them in containerd's store, which is the default since
 * Docker 29: it has no layer database, so archives are the way. Needs root and a dockerd 28.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ContainerdStoreTest {

  private static final int FIRST_WITH_THE_OPTION = 28;

  private static final String CHANGES = "echo new > /new; rm /bin/dd; mkdir /d; touch /d/f";

  private ScratchDirectory scratch;
  private DockerDaemon daemon;

  @BeforeAll
  void startDaemon() throws Exception {
    Machine.requireRoot();
    assumeTrue(
        DockerDaemon.isAtLeast(FIRST_WITH_THE_OPTION),
        "needs a dockerd of version 28 or later, which -Dlayerstore.dockerd names");
    scratch = ScratchDirectory.create();
    daemon = start(scratch.resolve("docker"));
    Path base = scratch.resolve("base.tar");
    Busybox.writeRootTo(base);
    daemon.docker("import", base, "box:1");
    daemon.docker("run", "--network=none", "--name=changed", "box:1", "/bin/sh", "-c", CHANGES);
    daemon.docker("commit", "--change=CMD [\"cat\",\"/new\"]", "changed", "box:2");
  }

  @AfterAll
  void stopDaemon() throws Exception {
    if (daemon != null) {
      daemon.stop();
    }
    if (scratch != null) {
      scratch.close();
    }
  }

  private LayerStore open(String name) throws Exception {
    return LayerStore.builder(scratch.resolve(name)).driver("overlay2").open();
  }

  private Image loadBox2(LayerStore store) throws Exception {
    Path archive = scratch.resolve("box.tar");
    daemon.docker("save", "--output", archive, "box:2");
    store.images().load(ImageSource.of(archive), LoadOptions.DEFAULT);
    return store.images().resolve("box:2");
  }

  @Test
  void open_rootOfContainerdStore_isRefusedAndUntouched() throws Exception {
    Path foreign = scratch.resolve("foreign");
    List<String> images;
    try (DockerDaemon other = start(foreign)) {
      other.docker("import", scratch.resolve("base.tar"), "box:1");
      images = other.docker("images", "--quiet", "--no-trunc").lines();
      other.stop();
    }
    Map<String, String> before = new DataRoot(foreign, "overlayfs").snapshot();

    StoreNotFoundException e =
        assertThrows(StoreNotFoundException.class, () -> LayerStore.open(foreign));
    assertThrows(
        LayerStoreException.class, () -> LayerStore.builder(foreign).readOnly(true).open());

    assertTrue(e.getMessage().contains("containerd"), e::getMessage);
    assertEquals(before, new DataRoot(foreign, "overlayfs").snapshot());
    try (DockerDaemon other = start(foreign)) {
      assertEquals(images, other.docker("images", "--quiet", "--no-trunc").lines());
      assertEquals("yes", other.docker("run", "--network=none", "box:1", "echo", "yes").text());
      other.stop();
    }
  }

  private static DockerDaemon start(Path root) throws Exception {
    return DockerDaemon.start(
        root, "overlayfs", Map.of(), List.of("--feature=containerd-snapshotter=true"));
  }

  @Test
  void load_savedByDocker_hasItsLayersByteForByte() throws Exception {
    try (LayerStore store = open("load")) {
      Image image = loadBox2(store);

      assertEquals(
          daemon
              .docker("inspect", "--format={{range .RootFS.Layers}}{{println .}}{{end}}", "box:2")
              .text()
              .lines()
              .toList(),
          image.config().diffIds().stream().map(Object::toString).toList());
      List<String> exported = new ArrayList<>();
      List<String> expected = new ArrayList<>();
      for (LayerInfo info : store.layers()) {
        try (Layer layer = store.get(info.chainId());
            InputStream tar = layer.tarStream()) {
          exported.add(Sha256.of(tar));
          expected.add(info.diffId().toString());
        }
      }
      assertEquals(expected, exported);
    }
  }

  @ParameterizedTest
  @CsvSource({"DOCKER, NONE", "DOCKER, GZIP", "OCI, NONE", "OCI, ZSTD"})
  void dockerLoad_savedByTheStore_runs(SaveOptions.Format format, Compression compression)
      throws Exception {
    String name = "ours:" + (format + "-" + compression).toLowerCase(Locale.ROOT);
    Path archive = scratch.resolve(name + ".tar");
    List<String> diffIds;
    try (LayerStore store = open(name)) {
      Image base = loadBox2(store);
      RWLayer work = store.createRWLayer("work", base.topLayer().orElseThrow());
      try (Mount mount = work.mount()) {
        Files.writeString(mount.path().resolve("new"), "from Java\n");
        Files.delete(mount.path().resolve("d/f"));
      }
      Image image =
          store
              .images()
              .commit(
                  work, CommitImageOptions.builder().reference(ImageReference.parse(name)).build());
      store.releaseRWLayer(work);
      store
          .images()
          .save(
              List.of(name),
              ImageTarget.file(archive),
              SaveOptions.builder().format(format).compression(compression).build());
      diffIds = image.config().diffIds().stream().map(Object::toString).toList();
    }

    daemon.docker("load", "--input", archive);

    assertEquals("from Java", daemon.docker("run", "--network=none", name).text());
    assertEquals("", daemon.docker("run", "--network=none", name, "/bin/sh", "-c", "ls /d").text());
    assertEquals(
        diffIds,
        daemon
            .docker("inspect", "--format={{range .RootFS.Layers}}{{println .}}{{end}}", name)
            .text()
            .lines()
            .toList());
  }
}
