package io.layerstore.testing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ChainId;
import io.layerstore.CommitImageOptions;
import io.layerstore.DiskUsage.LayerSize;
import io.layerstore.Image;
import io.layerstore.ImageId;
import io.layerstore.ImageInUseException;
import io.layerstore.ImportOptions;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.PruneOptions;
import io.layerstore.PrunePlan;
import io.layerstore.PruneReport;
import io.layerstore.RWLayer;
import io.layerstore.StoreOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/**
 * What a dockerd has noted in its data root beside the layer database, and what a store makes of
 * it: the cache of BuildKit and the records of containers.
 */
public abstract class DockerRecordsContract {

  private static final String HOLDER = "BuildKit's cache (buildkit/snapshots.db)";
  private static final String CONTAINER = "c0".repeat(32);

  private Path root;
  private LayerStore store;

  /** An empty directory, or the path of one that can be made. */
  protected abstract Path newRoot() throws IOException;

  /** A builder that names the driver under test. */
  protected abstract StoreOptions.Builder builder(Path root);

  @BeforeEach
  void openStore() throws IOException {
    root = newRoot();
    store = builder(root).open();
  }

  @AfterEach
  void closeStore() throws IOException {
    if (store != null) {
      store.close();
    }
  }

  private Layer register(String name, Layer parent) throws IOException {
    return store.register(
        new TarBuilder().file(name, name).end().toStream(),
        parent == null ? null : parent.chainId());
  }

  private Image importImage(String name) throws IOException {
    return store
        .images()
        .importRootFs(
            LayerSource.of(new TarBuilder().file(name, name).end().toBytes()),
            ImportOptions.DEFAULT);
  }

  private Image twinOf(Image image, String author) throws IOException {
    String config = new String(image.configBytes().toByteArray(), UTF_8);
    return store
        .images()
        .create(config.replaceFirst("\\{", "{\"author\":\"" + author + "\",").getBytes(UTF_8));
  }

  private void writeDatabase(String name, Object... chainIds) throws IOException {
    StringBuilder text = new StringBuilder("bolt or not: ");
    for (Object chainId : chainIds) {
      // The next key begins at once, here with what could be a digit.
      text.append("chainid").append(chainId).append("committed");
    }
    Files.createDirectories(root.resolve("buildkit"));
    Files.writeString(root.resolve("buildkit").resolve(name), text);
  }

  private void writeContainer(String id, Object image) throws IOException {
    Path directory = Files.createDirectories(root.resolve("containers").resolve(id));
    Files.writeString(
        directory.resolve("config.v2.json"),
        "{\"State\":{\"Running\":false},\"ID\":\"" + id + "\",\"Image\":\"" + image + "\"}");
  }

  private List<ChainId> chainIds() {
    return store.layers().stream().map(LayerInfo::chainId).toList();
  }

  private static List<ChainId> chainIds(List<LayerInfo> layers) {
    return layers.stream().map(LayerInfo::chainId).toList();
  }

  private static ChainId top(Image image) {
    return image.topLayer().orElseThrow();
  }

  /** Layers that the cache of BuildKit refers to. */
  @Nested
  class BuildKit {

    @Test
    void release_layerInCache_deletesOnlyWhatIsAbove() throws IOException {
      Layer base = register("base", null);
      Layer middle = register("middle", base);
      Layer top = register("top", middle);
      writeDatabase("snapshots.db", middle.chainId());
      base.close();
      middle.close();

      assertEquals(List.of(top.chainId()), chainIds(store.release(top)));
      assertEquals(
          List.of(base.chainId(), middle.chainId()).stream().sorted().toList(), chainIds());
    }

    @Test
    void release_cacheIsGone_deletes() throws IOException {
      Layer layer = register("base", null);
      writeDatabase("snapshots.db", layer.chainId());
      assertEquals(List.of(), store.release(layer));
      writeDatabase("snapshots.db");

      assertEquals(1, store.release(store.get(layer.chainId())).size());
    }

    @Test
    void releaseRWLayer_onLayerInCache_leavesTheLayer() throws IOException {
      Layer layer = register("base", null);
      writeDatabase("snapshots.db", layer.chainId());
      RWLayer work = store.createRWLayer("work", layer.chainId());
      layer.close();

      assertEquals(List.of(), store.releaseRWLayer(work));
    }

    @Test
    void usage_layerInCache_namesIt() throws IOException {
      try (Layer layer = register("base", null)) {
        writeDatabase("snapshots.db", layer.chainId());

        assertEquals(List.of(HOLDER), layer.usage().otherHolders());
        assertEquals(List.of(HOLDER), store.layers().get(0).usage().otherHolders());
      }
    }

    @Test
    void usage_layerInOtherDatabases_namesThem() throws IOException {
      try (Layer layer = register("base", null)) {
        writeDatabase("metadata_v2.db", layer.chainId());
        writeDatabase("snapshots.db", layer.chainId());

        assertEquals(
            List.of("BuildKit's cache (buildkit/metadata_v2.db, snapshots.db)"),
            layer.usage().otherHolders());
      }
    }

    @Test
    void usage_registeredAfterTheCacheWasRead_namesIt() throws IOException {
      ChainId chainId;
      try (Layer first = register("base", null);
          Layer second = register("other", null)) {
        chainId = second.chainId();
        writeDatabase("snapshots.db", chainId);
        assertEquals(List.of(), first.usage().otherHolders());
      }
      writeDatabase("snapshots.db");
      store.release(store.get(chainId));
      writeDatabase("snapshots.db", chainId);
      assertEquals(List.of(), store.layers().get(0).usage().otherHolders());

      try (Layer again = register("other", null)) {
        assertEquals(List.of(HOLDER), again.usage().otherHolders());
      }
    }

    @Test
    void usage_digestThatIsNotTheChainId_isNoHold() throws IOException {
      try (Layer layer = register("base", null)) {
        writeDatabase("snapshots.db", layer.chainId().toString().substring(0, 60));

        assertEquals(List.of(), layer.usage().otherHolders());
      }
    }

    @Test
    void delete_imageWithLayersInCache_leavesTheLayers() throws IOException {
      Image image = importImage("image");
      writeDatabase("snapshots.db", top(image));

      assertEquals(List.of(), store.images().delete(image.id(), false));
      assertEquals(List.of(top(image)), chainIds());
    }

    @Test
    void prune_layersInCache_areSparedWithTheReason() throws IOException {
      Image image = importImage("image");
      writeDatabase("snapshots.db", top(image));
      PrunePlan plan = store.images().planPrune(PruneOptions.EVERYTHING_UNUSED);

      PruneReport report = store.images().prune(plan);

      assertEquals(List.of(), plan.layers());
      assertEquals(0, plan.reclaimableBytes());
      assertEquals(List.of(image.id()), report.images());
      assertEquals(1, report.spared().size());
      assertTrue(report.spared().get(0).contains(HOLDER), report.spared()::toString);
      assertEquals(List.of(top(image)), chainIds());
    }

    @Test
    void prune_cacheTookALayerAfterThePlan_sparesIt() throws IOException {
      Image image = importImage("image");
      PrunePlan plan = store.images().planPrune(PruneOptions.EVERYTHING_UNUSED);
      writeDatabase("snapshots.db", top(image));

      assertEquals(List.of(), store.images().prune(plan).layers());
      assertEquals(List.of(top(image)), chainIds());
    }

    @Test
    void diskUsage_layersInCache_areNotReclaimable() throws IOException {
      Image image = importImage("image");
      writeDatabase("snapshots.db", top(image));

      assertEquals(0, store.images().diskUsage().reclaimableBytes());
      assertEquals(
          List.of(HOLDER),
          store.images().diskUsage().layers().stream()
              .map(LayerSize::otherHolders)
              .flatMap(List::stream)
              .toList());
    }
  }

  /** Images that a container's record names. */
  @Nested
  class Containers {

    @Test
    void commit_containerOfOneOfTwins_takesTheOneThatDockerNoted() throws IOException {
      Image first = importImage("image");
      Image second = twinOf(first, "second");
      Image third = twinOf(first, "third");
      for (Image image : List.of(first, second, third)) {
        writeContainer(CONTAINER, image.id());
        try (RWLayer container = store.createRWLayer(CONTAINER, top(image))) {
          Image committed = store.images().commit(container, CommitImageOptions.DEFAULT);

          assertEquals(image.id(), committed.parent().orElseThrow());
        } finally {
          store.releaseRWLayer(store.getRWLayer(CONTAINER));
        }
      }
    }

    @Test
    void commit_namedParent_winsOverTheRecord() throws IOException {
      Image first = importImage("image");
      Image second = twinOf(first, "second");
      writeContainer(CONTAINER, first.id());
      try (RWLayer container = store.createRWLayer(CONTAINER, top(first))) {
        assertEquals(
            second.id(),
            store
                .images()
                .commit(container, CommitImageOptions.builder().parent(second.id()).build())
                .parent()
                .orElseThrow());
      }
    }

    @Test
    void commit_recordNamesAnImageOfOtherLayers_isNotBelieved() throws IOException {
      Image image = importImage("image");
      writeContainer(CONTAINER, importImage("other").id());
      try (RWLayer container = store.createRWLayer(CONTAINER, top(image))) {
        assertEquals(
            image.id(),
            store.images().commit(container, CommitImageOptions.DEFAULT).parent().orElseThrow());
      }
    }

    @Test
    void commit_onTwinsWithoutRecord_saysWhichOptionChooses() throws IOException {
      Image first = importImage("image");
      Image second = twinOf(first, "second");
      try (RWLayer work = store.createRWLayer("work", top(first))) {
        LayerStoreException e =
            assertThrows(
                LayerStoreException.class,
                () -> store.images().commit(work, CommitImageOptions.DEFAULT));

        for (Object part :
            List.of(first.id(), second.id(), "CommitImageOptions.parent", "--from")) {
          assertTrue(e.getMessage().contains(part.toString()), e::getMessage);
        }
      }
    }

    @Test
    void commit_damagedRecord_isAsWithout() throws IOException {
      Image first = importImage("image");
      twinOf(first, "second");
      for (Object text : List.of("sha256:no", "", "x\",\"Image\":7,\"y\":\"", "\"")) {
        writeContainer(CONTAINER, text);
        try (RWLayer container = store.createRWLayer(CONTAINER, top(first))) {
          assertThrows(
              LayerStoreException.class,
              () -> store.images().commit(container, CommitImageOptions.DEFAULT));
        } finally {
          store.releaseRWLayer(store.getRWLayer(CONTAINER));
        }
      }
    }

    @Test
    void delete_imageOfAContainer_isRefused() throws IOException {
      Image image = importImage("image");
      // As after a damage to the layer database: the container is there, its read-write layer not.
      writeContainer(CONTAINER, image.id());

      ImageInUseException e =
          assertThrows(ImageInUseException.class, () -> store.images().delete(image.id(), false));

      assertEquals(List.of(CONTAINER), e.rwLayers());
      assertEquals(List.of(image.id()), imageIds());
    }

    @Test
    void delete_twinOfTheImageOfAContainer_isDone() throws IOException {
      Image image = importImage("image");
      Image twin = twinOf(image, "twin");
      writeContainer(CONTAINER, image.id());
      store.createRWLayer(CONTAINER, top(image)).close();

      assertEquals(List.of(), store.images().delete(twin.id(), false));
      assertEquals(List.of(image.id()), imageIds());
    }

    @Test
    void prune_imageOfAContainer_stays() throws IOException {
      Image image = importImage("image");
      Image twin = twinOf(image, "twin");
      writeContainer(CONTAINER, image.id());
      store.createRWLayer(CONTAINER, top(image)).close();

      PruneReport report =
          store.images().prune(store.images().planPrune(PruneOptions.EVERYTHING_UNUSED));

      assertEquals(List.of(twin.id()), report.images());
      assertEquals(List.of(image.id()), imageIds());
    }
  }

  private List<ImageId> imageIds() {
    return store.images().list().stream().map(Image::id).toList();
  }
}
