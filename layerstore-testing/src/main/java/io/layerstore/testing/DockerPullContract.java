package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.layerstore.DistributionMetadata;
import io.layerstore.DistributionMetadata.Source;
import io.layerstore.ImageSource;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerStore;
import io.layerstore.LoadOptions;
import io.layerstore.RecoveryReport;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * An image on its way through a registry: loaded by the library, pushed by a dockerd on that root,
 * pulled by another one, read by the library. Needs root, dockerd and Docker's registry.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class DockerPullContract {

  private static final List<AppendixA> ARCHIVES =
      List.of(AppendixA.TWO_BASE, AppendixA.TWO_TOP, AppendixA.NONUTF8);

  private final String driver;
  private ScratchDirectory scratch;
  private DockerRegistry registry;
  private DataRoot root;

  /** What the image is called, with the registry's address. */
  private String name;

  private String id;

  /** Tests the graph driver called {@code driver}. */
  protected DockerPullContract(String driver) {
    this.driver = driver;
  }

  @BeforeAll
  void pushAndPull() throws Exception {
    Machine.requireRoot();
    scratch = ScratchDirectory.create();
    registry = DockerRegistry.start(Files.createDirectory(scratch.resolve("registry")));
    name = registry.address() + "/some/image:1";
    root = new DataRoot(scratch.resolve("root"), driver);
    Path pushing = scratch.resolve("pushing");
    try (LayerStore store = LayerStore.builder(pushing).driver(driver).open()) {
      id =
          store
              .images()
              .load(ImageSource.of(archive()), LoadOptions.DEFAULT)
              .images()
              .get(0)
              .id()
              .toString();
    }
    try (DockerDaemon daemon = DockerDaemon.startCleanly(pushing, driver)) {
      daemon.docker("push", name);
      daemon.stop();
    }
    pull();
  }

  @AfterAll
  void deleteAll() throws Exception {
    if (registry != null) {
      registry.close();
    }
    if (scratch != null) {
      scratch.close();
    }
  }

  private void pull() throws Exception {
    try (DockerDaemon daemon = DockerDaemon.startCleanly(root.path(), driver)) {
      daemon.docker("pull", name);
      assertEquals(id, daemon.docker("inspect", "--format={{.Id}}", name).text());
      daemon.stop();
    }
  }

  private Path archive() throws Exception {
    Path directory = Files.createDirectory(scratch.resolve("layers"));
    List<Path> layers = new ArrayList<>();
    for (AppendixA archive : ARCHIVES) {
      layers.add(Files.write(directory.resolve(archive.name()), archive.bytes()));
    }
    return Image.of(ARCHIVES.stream().map(AppendixA::diffId).toList(), layers)
        .writeTo(directory, name);
  }

  private LayerStore open() throws Exception {
    return LayerStore.builder(root.path()).driver(driver).open();
  }

  @Test
  void open_pulledImage_findsNothingToMend() throws Exception {
    try (LayerStore store = open()) {
      assertEquals(RecoveryReport.CLEAN, store.recoveryReport());
    }
  }

  @Test
  void tarStream_pulledLayers_haveTheBytesThatWereLoaded() throws Exception {
    Map<String, String> digests = new TreeMap<>();
    try (LayerStore store = open()) {
      for (LayerInfo info : store.layers()) {
        try (Layer layer = store.get(info.chainId());
            InputStream tar = layer.tarStream()) {
          digests.put(info.chainId().toString(), Sha256.of(tar));
        }
      }
    }
    assertEquals(ARCHIVES.size(), digests.size());
    assertEquals(root.texts("diff"), digests);
    assertEquals(
        ARCHIVES.stream().map(AppendixA::diffId).sorted().toList(),
        digests.values().stream().sorted().toList());
  }

  @Test
  void references_pulledImage_areItsTagAndItsDigest() throws Exception {
    try (LayerStore store = open()) {
      List<String> names =
          store.images().references().list().keySet().stream().map(Object::toString).toList();
      assertEquals(2, names.size(), names::toString);
      assertEquals(1, names.stream().filter(name::equals).count(), names::toString);
      assertEquals(
          1,
          names.stream()
              .filter(text -> text.startsWith(registry.address() + "/some/image@sha256:"))
              .count(),
          names::toString);
      for (String reference : names) {
        assertEquals(id, store.images().resolve(reference).id().toString());
      }
    }
  }

  @Test
  void distribution_pulledLayers_saysWhereTheyAreFrom() throws Exception {
    try (LayerStore store = open()) {
      DistributionMetadata distribution = store.images().distribution();
      for (LayerInfo layer : store.layers()) {
        List<Source> sources = distribution.sources(layer.diffId());
        assertFalse(sources.isEmpty());
        for (Source source : sources) {
          assertEquals(registry.address() + "/some/image", source.sourceRepository());
          assertEquals(Optional.of(layer.diffId()), distribution.diffId(source.digest()));
        }
      }
    }
  }

  @Test
  void pull_afterTheImageWasDeleted_bringsItBack() throws Exception {
    try (LayerStore store = open()) {
      store.images().delete(store.images().resolve(name).id(), true);
      assertEquals(List.of(), store.layers());
    }
    pull();
  }
}
