package io.layerstore.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ChainId;
import io.layerstore.CommitImageOptions;
import io.layerstore.Durability;
import io.layerstore.Image;
import io.layerstore.ImageReference;
import io.layerstore.ImageSource;
import io.layerstore.ImportOptions;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LoadOptions;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.RWLayerOptions;
import io.layerstore.RegisterOptions;
import io.layerstore.testing.FaultyFileSystem;
import io.layerstore.testing.ImageFiles;
import io.layerstore.testing.PowerCut;
import io.layerstore.testing.SampleImage;
import io.layerstore.testing.TarBuilder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Once a call has returned, a power cut takes nothing of what it did: {@code vfs} and everything
 * above the drivers. On disk, because in memory a directory cannot be forced.
 */
final class StoreDurabilityTest {

  private static final byte[] BASE =
      new TarBuilder()
          .directory("d")
          .file("d/f", "base")
          .hardLink("d/g", "d/f")
          .symlink("l", "d/f")
          .end()
          .toBytes();

  private final FaultyFileSystem fileSystem = FaultyFileSystem.over(FileSystems.getDefault());
  @TempDir private Path temporary;
  private Path root;
  private LayerStore store;

  @BeforeEach
  void openStore() throws IOException {
    assumeTrue(
        StandardCharsets.UTF_8.name().equals(System.getProperty("sun.jnu.encoding")),
        "needs a UTF-8 locale: only the default file system itself has other names then");
    root = temporary.resolve("made/store");
    store = open(Durability.FULL);
  }

  @AfterEach
  void closeStore() throws IOException {
    if (store != null) {
      store.close();
    }
  }

  private LayerStore open(Durability durability) throws IOException {
    return LayerStore.builder(fileSystem.wrap(root)).durability(durability).open();
  }

  private ChainId registerBase() throws IOException {
    try (Layer layer = store.register(LayerSource.of(BASE), RegisterOptions.DEFAULT)) {
      return layer.chainId();
    }
  }

  /** What is not work in progress would all be there. */
  private void assertNothingLost() throws IOException {
    Set<String> losses =
        PowerCut.losses(fileSystem.operations(), temporary).stream()
            .filter(loss -> !loss.contains("/staging/") && !loss.contains("/layerdb/tmp/"))
            .collect(Collectors.toSet());
    assertEquals(Set.of(), losses);
  }

  @Test
  void open_newStore_itsDirectoriesAreOnDisk() throws IOException {
    assertNothingLost();
  }

  @Test
  void register_onTopOfLayer_isOnDisk() throws IOException {
    ChainId base = registerBase();
    byte[] child = new TarBuilder().file("d/h", "child").end().toBytes();
    store.register(LayerSource.of(child), RegisterOptions.onTopOf(base)).close();
    assertNothingLost();
  }

  @Test
  void createRWLayer_withBase_copyIsOnDisk() throws IOException {
    store.createRWLayer("rw", registerBase()).close();
    assertNothingLost();
  }

  @Test
  void createRWLayer_withInitializer_whatItWroteIsOnDisk() throws IOException {
    RWLayerOptions options =
        RWLayerOptions.builder()
            .initializer(
                mounted -> {
                  Files.createDirectory(mounted.resolve("etc"));
                  Files.writeString(mounted.resolve("etc/hosts"), "127.0.0.1 localhost\n");
                  Files.writeString(mounted.resolve("d/f"), "changed");
                })
            .build();
    store.createRWLayer("rw", options.toBuilder().parent(registerBase()).build()).close();
    assertNothingLost();
  }

  @Test
  void applyDiff_toRWLayer_isOnDisk() throws IOException {
    try (RWLayer rw = store.createRWLayer("rw", registerBase())) {
      byte[] diff =
          new TarBuilder().file("d/f", "new").directory("e").file("e/x", "x").end().toBytes();
      rw.applyDiff(new ByteArrayInputStream(diff));
      assertNothingLost();
    }
  }

  @Test
  void commit_changesOfMount_layerIsOnDisk() throws IOException {
    try (RWLayer rw = store.createRWLayer("rw", registerBase())) {
      try (Mount mount = rw.mount()) {
        Files.writeString(mount.path().resolve("d/new"), "mine");
      }
      Layer committed = rw.commit();
      committed.close();
      // What the user wrote through the mount is for the user to force.
      Set<String> lost = PowerCut.losses(fileSystem.operations(), temporary);
      String own = "vfs/dir/" + rw.metadata().get("SourceDir").replaceAll(".*/", "") + "/d/new";
      lost.removeIf(loss -> loss.endsWith(own) || loss.contains("/layerdb/tmp/"));
      assertEquals(Set.of(), lost);
    }
  }

  @Test
  void commitImageAndTag_thenImportAndLoad_areOnDisk() throws IOException {
    try (RWLayer rw = store.createRWLayer("rw", registerBase())) {
      rw.applyDiff(new ByteArrayInputStream(new TarBuilder().file("x", "1").end().toBytes()));
      Image image =
          store
              .images()
              .commit(
                  rw,
                  CommitImageOptions.builder().reference(ImageReference.parse("mine:1")).build());
      assertNothingLost();
      store.images().references().addTag(ImageReference.parse("mine:2"), image.id(), false);
      assertNothingLost();
    }
    store.images().importRootFs(LayerSource.of(BASE), ImportOptions.DEFAULT);
    assertNothingLost();
    SampleImage sample = SampleImage.of(SampleImage.layer("a", "1"), SampleImage.layer("b", "2"));
    ImageFiles archive = ImageFiles.docker(List.of(sample), ImageFiles.item(sample, "sample:1"));
    store.images().load(ImageSource.of(archive.toStream()), LoadOptions.DEFAULT);
    assertNothingLost();
  }

  @Test
  void load_layout_manifestIsOnDisk() throws IOException {
    SampleImage sample = SampleImage.small("a", 1);
    store.images().load(ImageSource.of(ImageFiles.oci(sample, "").toStream()), LoadOptions.DEFAULT);
    assertEquals(1, store.images().manifests(sample.id()).size());
    assertNothingLost();
  }

  @Test
  void createRWLayer_metadataOnly_copyIsNotForced() throws IOException {
    ChainId base = registerBase();
    store.close();
    store = open(Durability.METADATA);
    fileSystem.forgetOperations();
    store.createRWLayer("rw", base).close();
    Set<String> losses = PowerCut.losses(fileSystem.operations(), temporary);
    assertTrue(losses.stream().anyMatch(loss -> loss.endsWith("d/f")), losses::toString);
    assertFalse(losses.stream().anyMatch(loss -> loss.contains("mounts/rw")), losses::toString);
  }
}
