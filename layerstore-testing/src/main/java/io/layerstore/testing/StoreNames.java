package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.LayerInfo;
import io.layerstore.LayerStore;
import io.layerstore.RWLayerInfo;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;

/**
 * The names of directories that a store accounts for; everything else on disk was left behind.
 *
 * @param layers those of layers in the layer database
 * @param mounts those of read-write layers there
 * @param driver those of both in the driver
 */
public record StoreNames(Set<String> layers, Set<String> mounts, Set<String> driver) {

  /** The names in {@code store} as it is now. */
  public static StoreNames of(LayerStore store) {
    StoreNames names = new StoreNames(new TreeSet<>(), new TreeSet<>(), new TreeSet<>());
    for (LayerInfo info : store.layers()) {
      names.layers.add(info.chainId().digest().hex());
      names.driver.add(info.cacheId());
    }
    for (RWLayerInfo info : store.rwLayers()) {
      names.mounts.add(info.name());
      names.driver.add(info.mountId());
      info.initId().ifPresent(names.driver::add);
    }
    return names;
  }

  /** The layer database has these, and no write-set. */
  public void assertAllOf(Path layerDb, String when) throws IOException {
    assertEquals(layers, in(layerDb.resolve("sha256")), when);
    assertEquals(mounts, in(layerDb.resolve("mounts")), when);
    assertEquals(Set.of(), in(layerDb.resolve("tmp")), when);
  }

  /** The names in {@code directory}; none if it does not exist. */
  public static Set<String> in(Path directory) throws IOException {
    Set<String> names = new TreeSet<>();
    if (Files.isDirectory(directory)) {
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
        entries.forEach(entry -> names.add(entry.getFileName().toString()));
      }
    }
    return names;
  }
}
