package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.layerstore.ChainId;
import io.layerstore.Layer;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.RWLayerNotFoundException;
import io.layerstore.testing.ChildJvm;
import io.layerstore.testing.TarBuilder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A process that is killed in the middle of a deletion, which another finishes while it is open.
 */
final class KilledDeletionTest {

  private static final @Nullable ChainId NO_PARENT = null;

  @TempDir Path directory;
  private Path root;
  private LayerStore store;

  @BeforeEach
  void openStore() throws IOException {
    Overlay2Testing.assumeSupported(directory);
    root = directory.resolve("store");
    Files.createDirectory(directory.resolve("v"));
    store = open(root);
  }

  @AfterEach
  void closeStore() throws IOException {
    if (store != null) {
      store.close();
    }
  }

  private static LayerStore open(Path root) throws LayerStoreException {
    return LayerStore.builder(root).driver("overlay2").open();
  }

  private static byte[] tar(String content) {
    return new TarBuilder().file("f", content).end().toBytes();
  }

  private Layer register(String content) throws LayerStoreException {
    return store.register(new ByteArrayInputStream(tar(content)), NO_PARENT);
  }

  /** Releases a layer or a read-write layer, and ends at a step of that. */
  static final class Victim {
    public static void main(String[] arguments) throws IOException {
      Path root = Path.of(arguments[0]);
      Thread.currentThread()
          .setContextClassLoader(
              FaultyOverlay2Provider.loader(root.resolveSibling("v"), DyingOverlay2Provider.class));
      LayerStore store = open(root);
      DyingOverlay2Provider.dieAt(arguments[1], false);
      if (arguments[2].equals("rw")) {
        store.releaseRWLayer(store.getRWLayer("rw"));
      } else {
        store.release(store.get(ChainId.parse(arguments[2])));
      }
      System.out.println("lives");
    }
  }

  private void runVictim(String step, Object what) throws Exception {
    assertEquals("", ChildJvm.run(List.of(), Victim.class, root, step, what).text());
  }

  private List<String> driverDirectories() throws IOException {
    List<String> names = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(root.resolve("overlay2"))) {
      entries.forEach(entry -> names.add(entry.getFileName().toString()));
    }
    names.remove("l");
    return names;
  }

  private void assertFinished() throws IOException {
    assertEquals(List.of(), driverDirectories());
    for (String place : List.of("overlay2/l", "image/overlay2/layerdb/tmp")) {
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(root.resolve(place))) {
        assertFalse(entries.iterator().hasNext(), place);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "before remove, cleanup", "after remove, cleanup",
    "before remove, register", "after remove, register"
  })
  void release_killedInTheMiddle_isFinishedByAStoreThatKnewTheLayer(String step, String then)
      throws Exception {
    Layer layer = register("a");
    layer.close();
    runVictim(step, layer.chainId());
    if (then.equals("cleanup")) {
      store.cleanup();
    } else {
      store.release(register("b"));
    }
    assertFinished();
    assertThrows(LayerNotFoundException.class, () -> store.get(layer.chainId()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"before remove", "after remove"})
  void releaseRWLayer_killedInTheMiddle_isFinishedByAStoreThatKnewIt(String step) throws Exception {
    try (Layer base = register("a")) {
      store.createRWLayer("rw", base.chainId()).close();
    }
    runVictim(step, "rw");
    store.cleanup();
    assertThrows(RWLayerNotFoundException.class, () -> store.getRWLayer("rw"));
    assertEquals(1, driverDirectories().size());
  }

  @Test
  void createRWLayer_nameOfOneKilledInItsDeletion_works() throws Exception {
    try (Layer base = register("a")) {
      store.createRWLayer("rw", base.chainId()).close();
      runVictim("before remove", "rw");
      store.releaseRWLayer(store.createRWLayer("rw", base.chainId()));
    }
    assertEquals(1, driverDirectories().size());
  }
}
