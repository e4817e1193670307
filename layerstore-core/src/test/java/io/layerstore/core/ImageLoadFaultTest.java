package io.layerstore.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.layerstore.ChainId;
import io.layerstore.Durability;
import io.layerstore.Image;
import io.layerstore.ImageSource;
import io.layerstore.LayerInfo;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LoadOptions;
import io.layerstore.testing.FaultyFileSystem;
import io.layerstore.testing.ImageFiles;
import io.layerstore.testing.MemoryFiles;
import io.layerstore.testing.SampleImage;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Loads that fail, or that the process does not live to finish, at each change on the disk. */
final class ImageLoadFaultTest {

  /** Every so many changes one load; prime, so that no kind of change is always passed over. */
  private static final int STEP = 7;

  private static final SampleImage ONE =
      SampleImage.of(SampleImage.layer("base", "x"), SampleImage.layer("one", "1"));
  private static final SampleImage TWO =
      SampleImage.of(
          SampleImage.layer("base", "x"), SampleImage.largeLayer("two", (1 << 20) + 10, 5));
  private static final ImageFiles ARCHIVE =
      ImageFiles.docker(
          List.of(ONE, TWO),
          ImageFiles.item(ONE, "demo:one", "demo:x"),
          ImageFiles.item(TWO, "demo:two"));

  private static FileSystem newMemory() {
    return MemoryFiles.unix();
  }

  private static void load(LayerStore store) throws LayerStoreException {
    store.images().load(ImageSource.of(ARCHIVE.toStream()), LoadOptions.DEFAULT);
  }

  private static LayerStore open(Path root) throws LayerStoreException {
    return LayerStore.builder(root).durability(Durability.METADATA).open();
  }

  private static void assertEmpty(LayerStore store, int fault) {
    assertEquals(List.of(), store.layers(), "after a fault at " + fault);
    assertEquals(List.of(), store.images().list(), "after a fault at " + fault);
    assertEquals(Map.of(), store.images().references().list(), "after a fault at " + fault);
  }

  private static Set<String> names(Path directory) throws IOException {
    Set<String> names = new TreeSet<>();
    if (Files.isDirectory(directory)) {
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
        entries.forEach(entry -> names.add(String.valueOf(entry.getFileName())));
      }
    }
    return names;
  }

  /** Loads with the fault {@code at}; returns whether it was past the end. */
  private static boolean failsOnceAt(int at) throws IOException {
    try (FileSystem memory = newMemory()) {
      FaultyFileSystem faulty = FaultyFileSystem.over(memory);
      Path root = memory.getPath("/store");
      try (LayerStore store = open(faulty.wrap(root))) {
        faulty.failAt(at);
        int before = faulty.operations().size();
        try {
          load(store);
          return faulty.operations().size() - before <= at;
        } catch (LayerStoreException e) {
          assertEmpty(store, at);
        }
        load(store);
        assertEquals(2, store.images().list().size());
      }
      try (LayerStore store = open(root)) {
        assertEquals(2, store.images().list().size());
        assertEquals(3, store.layers().size());
        assertEquals(3, store.images().references().list().size());
      }
      return false;
    }
  }

  @Test
  void load_oneChangeFails_allOfItOrNothing() throws IOException {
    int at = 0;
    while (!failsOnceAt(at)) {
      at += STEP;
      if (at > 5000) {
        fail("the load never comes to an end");
      }
    }
    assertTrue(at > 20, "only " + at + " changes were made");
  }

  /** Loads until {@code at}; returns whether it was past the end. */
  private static boolean diesAt(int at) throws IOException {
    try (FileSystem memory = newMemory()) {
      FaultyFileSystem faulty = FaultyFileSystem.over(memory);
      Path root = memory.getPath("/store");
      LayerStore dying = open(faulty.wrap(root));
      faulty.stopAfter(at);
      try {
        load(dying);
      } catch (LayerStoreException e) {
        assertTrue(faulty.isStopped(), e.toString());
      }
      boolean ended = !faulty.isStopped();
      if (ended) {
        dying.close();
      }
      try (LayerStore store = open(root)) {
        assertSound(store, root);
        load(store);
        assertEquals(2, store.images().list().size());
        assertEquals(3, store.images().references().list().size());
      }
      return ended;
    }
  }

  private static void assertSound(LayerStore store, Path root) throws IOException {
    Set<String> directories = new TreeSet<>();
    List<ChainId> present = new ArrayList<>();
    for (LayerInfo layer : store.layers()) {
      directories.add(layer.cacheId());
      present.add(layer.chainId());
    }
    assertEquals(directories, names(root.resolve("vfs/dir")));
    assertEquals(Set.of(), names(root.resolve("image/vfs/layerdb/tmp")));
    assertEquals(Set.of(), names(root.resolve("tmp")));
    for (Image image : store.images().list()) {
      assertTrue(present.contains(image.topLayer().orElseThrow()));
    }
    store
        .images()
        .references()
        .list()
        .forEach(
            (name, id) ->
                assertFalse(
                    store.images().list().stream().noneMatch(image -> image.id().equals(id)),
                    name + " names an image that is not there"));
  }

  @Test
  void load_processDies_nextOpenFindsItSoundAndCleansUp() throws IOException {
    int at = 0;
    while (!diesAt(at)) {
      at += STEP;
      if (at > 5000) {
        fail("the load never comes to an end");
      }
    }
  }
}
