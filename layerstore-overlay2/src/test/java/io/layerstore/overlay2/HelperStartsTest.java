package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.ChainId;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import io.layerstore.testing.TarBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * How many helper processes each operation starts: as many for a large layer as for a small one.
 * Every request but those of {@code Mounts} and {@code TreeWriter} forks one.
 */
final class HelperStartsTest {

  private static final int FEW = 3;
  private static final int MANY = 120;

  @TempDir Path directory;
  private FaultyLinux linux;
  private ClassLoader loader;

  @BeforeEach
  void open() throws IOException {
    Overlay2Testing.assumeSupported(directory);
    linux = FaultyLinux.inDirectory(directory);
    loader = FaultyOverlay2Provider.loader(directory);
    FaultyOverlay2Provider.use(linux);
  }

  @AfterEach
  void forget() {
    FaultyOverlay2Provider.use(null);
  }

  /** Something to do in a store with a layer of so many files. */
  @FunctionalInterface
  private interface Operation {
    void run(LayerStore store, Layer layer, int files) throws IOException;
  }

  /** The requests that start a helper, while the operation runs. */
  private Map<String, Integer> starts(int files, Operation operation) throws IOException {
    ClassLoader before = Thread.currentThread().getContextClassLoader();
    Thread.currentThread().setContextClassLoader(loader);
    try (LayerStore store =
            LayerStore.builder(directory.resolve("store" + files)).driver("overlay2").open();
        Layer layer = store.register(LayerSource.of(archive(files)), RegisterOptions.DEFAULT)) {
      linux.takeRequests();
      operation.run(store, layer, files);
      Map<String, Integer> starts = new TreeMap<>(linux.takeRequests());
      starts
          .keySet()
          .retainAll(
              java.util.Set.of(
                  "openMounts", "openWriter", "openDiff", "openTree", "remove", "sync"));
      return starts;
    } finally {
      Thread.currentThread().setContextClassLoader(before);
    }
  }

  private void assertSameStarts(Operation operation) throws IOException {
    assertEquals(starts(FEW, operation), starts(MANY, operation));
  }

  private static byte[] archive(int files) {
    TarBuilder tar = new TarBuilder();
    for (int i = 0; i < files; i++) {
      tar.file("file" + i, "content of " + i);
    }
    return tar.end().toBytes();
  }

  private static void readAll(InputStream tar) throws IOException {
    try (tar) {
      tar.transferTo(OutputStream.nullOutputStream());
    }
  }

  @Test
  void export_manyFiles_oneHelper() throws IOException {
    Operation export = (store, layer, files) -> readAll(layer.tarStream());
    assertEquals(Map.of("openDiff", 1), starts(MANY, export));
  }

  @Test
  void register_manyFiles_asForFew() throws IOException {
    assertSameStarts(
        (store, layer, files) -> {
          byte[] more = new TarBuilder().file("more", "").end().toBytes();
          RegisterOptions options = RegisterOptions.onTopOf(layer.chainId());
          store.register(LayerSource.of(more), options).close();
          byte[] again = archive(files);
          store.register(LayerSource.of(again), options).close();
        });
  }

  @Test
  void register_repeatedFiles_asForFew() throws IOException {
    assertSameStarts(
        (store, layer, files) -> {
          TarBuilder tar = new TarBuilder();
          for (int i = 0; i < files; i++) {
            tar.directory("x/").file("x", "y" + i);
          }
          store
              .register(
                  LayerSource.of(tar.end().toBytes()), RegisterOptions.onTopOf(layer.chainId()))
              .close();
        });
  }

  @Test
  void register_linksThatAreRepointed_asForFew() throws IOException {
    assertSameStarts(
        (store, layer, files) -> {
          TarBuilder tar = new TarBuilder().directory("a/").directory("b/");
          for (int i = 0; i < files; i++) {
            tar.symlink("l", i % 2 == 0 ? "a" : "b").file("l/f" + i, "z");
          }
          ChainId parent = layer.chainId();
          Layer made =
              store.register(LayerSource.of(tar.end().toBytes()), RegisterOptions.onTopOf(parent));
          try (made) {
            readAll(made.tarStream());
          }
        });
  }

  @Test
  void diffAndCommit_manyChanges_asForFew() throws IOException {
    assertSameStarts(
        (store, layer, files) -> {
          try (RWLayer rw = store.createRWLayer("rw" + files, layer.chainId())) {
            try (Mount mount = rw.mount()) {
              for (int i = 0; i < files; i++) {
                Files.writeString(mount.path().resolve("file" + i), "changed");
              }
            }
            rw.changes().close();
            rw.sizeBytes();
            readAll(rw.tarStream());
            rw.commit().close();
          }
        });
  }
}
