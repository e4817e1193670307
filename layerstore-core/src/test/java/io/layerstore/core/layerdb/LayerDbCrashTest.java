package io.layerstore.core.layerdb;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.ChainId;
import io.layerstore.Descriptor;
import io.layerstore.DiffId;
import io.layerstore.Digest;
import io.layerstore.Durability;
import io.layerstore.spi.DriverIds;
import io.layerstore.spi.LayerRecord;
import io.layerstore.spi.MetadataStore.Leftover;
import io.layerstore.spi.MetadataStore.UnfinishedRWLayer;
import io.layerstore.spi.MetadataTransaction;
import io.layerstore.spi.RWLayerRecord;
import io.layerstore.testing.FaultyFileSystem;
import io.layerstore.testing.MemoryFiles;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The life of two layers and a read-write layer, one of them healed, with a process that dies
 * before each change to the file system in turn, and with an error at each in turn.
 *
 * <p>Beside it a graph driver that is a set of ids. After each death the next process finishes what
 * is unfinished; then everything that is visible must be whole, nothing unfinished may be left, and
 * the driver must have exactly what is visible: no leak, no loss.
 */
final class LayerDbCrashTest {

  private static final DiffId DIFF = DiffId.EMPTY_TAR;
  private static final DiffId OTHER_DIFF = new DiffId(Digest.sha256Of("other".getBytes(UTF_8)));
  private static final ChainId BASE = ChainId.of((ChainId) null, DIFF);
  private static final ChainId CHILD = ChainId.of(BASE, OTHER_DIFF);
  private static final String NAME = "c1";

  /** What the graph driver has. */
  private final Set<String> driver = new TreeSet<>();

  /** What the caller was told: the calls that returned. */
  private final Set<String> done = new TreeSet<>();

  @Test
  void process_diesBeforeAnyChange_nextOneFindsAWholeDatabase() throws IOException {
    dieEverywhere(false, LayerDbCrashTest::inMemory);
  }

  @Test
  void process_diesWithinAnyWrite_nextOneFindsAWholeDatabase() throws IOException {
    dieEverywhere(true, LayerDbCrashTest::inMemory);
  }

  @Test
  void process_diesBeforeAnyChangeOnDisk_nextOneFindsAWholeDatabase(@TempDir Path temporary)
      throws IOException {
    dieEverywhere(false, () -> Files.createTempDirectory(temporary, "root"));
  }

  @Test
  void anyChange_fails_callReportsItAndNothingIsLost() throws IOException {
    int failures = 0;
    for (int i = 0; ; i++) {
      Path directory = inMemory();
      FaultyFileSystem faulty = FaultyFileSystem.over(directory.getFileSystem());
      faulty.failAt(i);
      driver.clear();
      done.clear();
      boolean failed = failsSomewhere(faulty, directory);
      assertSound(directory);
      recover(directory);
      assertSound(directory);
      assertTidy(directory);
      assertEquals(List.of(), faulty.openResources());
      close(directory.getFileSystem());
      if (!failed) {
        break;
      }
      failures++;
    }
    assertTrue(failures > 40, "only " + failures + " changes could fail");
  }

  private boolean failsSomewhere(FaultyFileSystem faulty, Path directory) throws IOException {
    try {
      live(faulty.wrap(directory));
      return false;
    } catch (IOException e) {
      return true;
    }
  }

  private interface Place {
    Path newDirectory() throws IOException;
  }

  private void dieEverywhere(boolean torn, Place place) throws IOException {
    int deaths = 0;
    while (true) {
      Path directory = place.newDirectory();
      FaultyFileSystem faulty = FaultyFileSystem.over(directory.getFileSystem());
      if (torn) {
        faulty.tearWrites();
      }
      faulty.stopAfter(deaths);
      driver.clear();
      done.clear();
      try {
        live(faulty.wrap(directory));
        break;
      } catch (IOException e) {
        assertTrue(faulty.isStopped(), () -> "stopped for another reason: " + e);
      }
      assertSound(directory);
      recover(directory);
      assertSound(directory);
      assertTidy(directory);
      close(directory.getFileSystem());
      deaths++;
    }
    assertTrue(deaths > 40, "only " + deaths + " places to die at");
  }

  private static Path inMemory() throws IOException {
    FileSystem memory = MemoryFiles.unix();
    return Files.createDirectory(memory.getPath("/root"));
  }

  private static void close(FileSystem fileSystem) throws IOException {
    if (fileSystem.provider().getScheme().equals("jimfs")) {
      fileSystem.close();
    }
  }

  /** What a store does with its metadata and its driver, in the order it does it. */
  private void live(Path root) throws IOException {
    FileMetadataStore store =
        FileMetadataStore.open(root.resolve("image/vfs/layerdb"), Durability.FULL, false);
    register(store, null, DIFF);
    done.add("base");
    register(store, BASE, OTHER_DIFF);
    done.add("child");
    createMount(store);
    done.add("mount");
    heal(store);
    UnfinishedRWLayer removal = hiding("mount", () -> store.beginRWLayerRemoval(NAME));
    removal.driverIds().forEach(driver::remove);
    store.discardRWLayer(removal);
    Leftover leftover = hiding("child", () -> store.beginRemoval(CHILD));
    driver.remove(leftover.cacheId());
    store.discard(leftover);
  }

  private interface Hiding<T> {
    T begin() throws IOException;
  }

  /**
   * A process that dies while it hides something may or may not have hidden it; a call that fails
   * must not have.
   */
  private <T> T hiding(String what, Hiding<T> hiding) throws IOException {
    done.remove(what);
    try {
      return hiding.begin();
    } catch (IOException e) {
      if (!isStop(e)) {
        done.add(what);
      }
      throw e;
    }
  }

  private void register(FileMetadataStore store, ChainId parent, DiffId diffId) throws IOException {
    String cacheId = DriverIds.random();
    try (MetadataTransaction transaction = store.begin(cacheId)) {
      driver.add(cacheId);
      try {
        for (int i = 0; i < 2; i++) {
          try (OutputStream out = transaction.writeTarSplit()) {
            out.write("{}\n".getBytes(UTF_8));
          }
        }
        Files.writeString(transaction.scratchFile("spill"), "x");
        Descriptor descriptor = Descriptor.of("m", 1, diffId.digest());
        transaction.commit(
            new LayerRecord(ChainId.of(parent, diffId), diffId, parent, cacheId, 7, descriptor));
      } catch (IOException e) {
        removeUnlessStopped(e, cacheId);
        throw e;
      }
    }
  }

  /**
   * Replaces the metadata of a layer that has others on it twice: with the files it has, and with
   * new ones.
   */
  private void heal(FileMetadataStore store) throws IOException {
    String kept = store.layer(BASE).cacheId();
    replace(store, kept, DriverIds.random(), false);
    assertEquals(kept, store.layer(BASE).cacheId());
    String fresh = DriverIds.random();
    replace(store, fresh, fresh, true);
    assertEquals(fresh, store.layer(BASE).cacheId());
  }

  private void replace(FileMetadataStore store, String cacheId, String begun, boolean drops)
      throws IOException {
    try (MetadataTransaction transaction = store.begin(begun)) {
      driver.add(begun);
      Leftover old;
      try {
        try (OutputStream out = transaction.writeTarSplit()) {
          out.write("{}\n".getBytes(UTF_8));
        }
        old = transaction.replace(new LayerRecord(BASE, DIFF, null, cacheId, 8, null), drops);
      } catch (IOException e) {
        removeUnlessStopped(e, begun);
        throw e;
      }
      if (!begun.equals(cacheId)) {
        driver.remove(begun);
      }
      if (old != null) {
        driver.remove(old.cacheId());
        store.discard(old);
      }
    }
  }

  private void createMount(FileMetadataStore store) throws IOException {
    String mountId = DriverIds.random();
    UnfinishedRWLayer begun =
        store.beginRWLayer(new RWLayerRecord(NAME, mountId, mountId + "-init", BASE));
    driver.add(mountId);
    driver.add(mountId + "-init");
    try {
      store.commitRWLayer(begun);
    } catch (IOException e) {
      if (removeUnlessStopped(e, mountId, mountId + "-init")) {
        store.discardRWLayer(begun);
      }
      throw e;
    }
  }

  /** A process that is dead removes nothing. */
  private boolean removeUnlessStopped(IOException failure, String... ids) {
    if (isStop(failure)) {
      return false;
    }
    driver.removeAll(List.of(ids));
    return true;
  }

  private static boolean isStop(Throwable failure) {
    return Stream.iterate(failure, t -> t != null, Throwable::getCause)
        .anyMatch(FaultyFileSystem.Stopped.class::isInstance);
  }

  private void recover(Path root) throws IOException {
    FileMetadataStore store = reopened(root);
    for (Leftover leftover : store.unfinishedTransactions()) {
      driver.remove(String.valueOf(leftover.cacheId()));
      store.discard(leftover);
    }
    for (UnfinishedRWLayer mount : store.unfinishedRWLayers()) {
      mount.driverIds().forEach(driver::remove);
      store.discardRWLayer(mount);
    }
    for (Leftover leftover : store.unfinishedRemovals()) {
      if (leftover.cacheId() == null) {
        Path remains = root.resolve("image/vfs/layerdb/sha256").resolve(leftover.key());
        try (Stream<Path> entries = Files.list(remains)) {
          assertEquals(0, entries.count(), "a layer on its way out has lost its driver id");
        }
      }
      driver.remove(String.valueOf(leftover.cacheId()));
      store.discard(leftover);
    }
  }

  private static FileMetadataStore reopened(Path root) throws IOException {
    return FileMetadataStore.open(root.resolve("image/vfs/layerdb"), Durability.NONE, false);
  }

  /** Everything that is visible is whole, and everything that was reported as done is visible. */
  private void assertSound(Path root) throws IOException {
    FileMetadataStore store = reopened(root);
    for (ChainId chainId : store.layers()) {
      LayerRecord record = store.layer(chainId);
      assertTrue(driver.contains(record.cacheId()), "the driver has lost " + chainId);
      try (InputStream in = store.tarSplit(chainId)) {
        assertTrue(in.readAllBytes().length > 18);
      }
    }
    for (String name : store.rwLayers()) {
      RWLayerRecord mount = store.rwLayer(name);
      assertEquals(BASE, mount.parent());
      assertTrue(driver.contains(mount.mountId()), "the driver has lost " + name);
    }
    if (done.contains("base")) {
      assertTrue(store.layers().contains(BASE));
    }
    if (done.contains("child")) {
      assertTrue(store.layers().contains(CHILD));
    }
    if (done.contains("mount")) {
      assertEquals(List.of(NAME), store.rwLayers());
    }
  }

  /** The driver has what is visible and no more, and nothing unfinished is left. */
  private void assertTidy(Path root) throws IOException {
    FileMetadataStore store = reopened(root);
    Set<String> visible = new TreeSet<>();
    for (ChainId chainId : store.layers()) {
      visible.add(store.layer(chainId).cacheId());
    }
    for (String name : store.rwLayers()) {
      RWLayerRecord mount = store.rwLayer(name);
      visible.add(mount.mountId());
      visible.add(mount.initId());
    }
    assertEquals(visible, driver);
    try (Stream<Path> all = Files.walk(root)) {
      List<String> leftovers =
          all.map(path -> path.getFileName().toString())
              .filter(name -> name.matches(".*(-set-|-removing|scratch-|\\.tmp-).*"))
              .toList();
      assertEquals(List.of(), leftovers);
    }
    assertThrows(IllegalStateException.class, () -> closed(store).layers());
  }

  private static FileMetadataStore closed(FileMetadataStore store) {
    store.close();
    return store;
  }
}
