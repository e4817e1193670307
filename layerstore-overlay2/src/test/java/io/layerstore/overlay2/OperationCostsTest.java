package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ChainId;
import io.layerstore.Durability;
import io.layerstore.ImageReference;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.RegisterOptions;
import io.layerstore.driver.AtomicFiles;
import io.layerstore.testing.Machine;
import io.layerstore.testing.TarBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * What each operation of a store costs in requests to the kernel, processes and waits for the disk,
 * and that this does not grow with entries, bytes and layers where it need not. Counted, never
 * timed; the processes are those that the JVM starts, whoever asks it to.
 */
final class OperationCostsTest extends CountedStore {

  private static final int VERY_MANY = 2000;

  /**
   * The note of what was begun, and the new name. Where names are not forced in their order, the
   * note's name and its directory's too, and the old name.
   */
  static int forcesOfALayer(Path directory) {
    return AtomicFiles.forcesNamesInOrder(directory) ? 2 : 5;
  }

  // ---- mounts ----

  @Test
  void mountAndUnmount_oneLayerOrAHundred_twoRoundTripsAndNoProcess() throws IOException {
    warmUp();
    for (int layers : new int[] {1, MANY}) {
      RWLayer rw = store.createRWLayer("rw" + layers, chain(layers));
      Cost cost = costOf(() -> rw.mount().close());
      assertEquals(Map.of("mount", 1, "unmount", 1), cost.requests());
      assertEquals(0, cost.started());
      assertEquals(0, cost.forces());
    }
  }

  @Test
  void mount_aSecondTime_costsNothing() throws IOException {
    RWLayer rw = store.createRWLayer("rw", chain(1));
    try (Mount first = rw.mount()) {
      Cost cost = costOf(() -> rw.mount().close());
      assertEquals(Map.of(), cost.requests(), first::toString);
      assertEquals(0, cost.started());
    }
  }

  @Test
  void enterAndChroot_oneCommand_oneProcessAndNoRoundTrip() throws IOException {
    try (Mount mount = store.createRWLayer("rw", chain(1)).mount()) {
      Cost entered = costOf(() -> run(mount.enter(new ProcessBuilder("true"))));
      Cost rooted = costOf(() -> run(mount.chroot(new ProcessBuilder("/no-such-program"))));
      assertEquals(Map.of(), entered.requests());
      assertEquals(Map.of(Machine.isRoot() ? "true" : HELPER, 1), entered.processes());
      assertEquals(Map.of(), rooted.requests());
      assertEquals(Map.of(HELPER, 1), rooted.processes());
    }
  }

  private static void run(ProcessBuilder builder) throws IOException {
    try {
      builder.redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD);
      builder.start().waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  @Test
  void file_readAndWritten_costsNoProcessAndNoRoundTrip() throws IOException {
    try (Mount mount = store.createRWLayer("rw", chain(1)).mount()) {
      Cost cost =
          costOf(
              () -> {
                for (int i = 0; i < MANY; i++) {
                  try (OutputStream out =
                      mount.file("made" + i).newOutputStream(StandardOpenOption.CREATE_NEW)) {
                    out.write('x');
                  }
                  try (InputStream in = mount.file("made" + i).newInputStream()) {
                    assertEquals('x', in.read());
                  }
                }
              });
      assertEquals(new Cost(Map.of(), Map.of(), 0), cost);
    }
  }

  @Test
  void createTemporaryRWLayer_mountedAndClosed_startsNoProgram() throws IOException {
    warmUp();
    ChainId top = chain(2);
    Cost cost =
        costOf(
            () -> {
              try (RWLayer rw = store.createTemporaryRWLayer(top);
                  Mount mount = rw.mount()) {
                Files.createFile(mount.path().resolve("x"));
              }
            });
    assertEquals(1, cost.requests().get("mount"), cost::toString);
    assertEquals(1, cost.requests().get("unmount"), cost::toString);
    assertEquals(0, cost.started(), cost::toString);
  }

  // ---- layers ----

  @Test
  void register_manyFilesOrBytesOrLayersBelow_asForFew() throws IOException {
    Cost one = costOf(() -> register(archive("a", 1, 1), null));
    assertEquals(one, costOf(() -> register(archive("b", MANY, 1), null)));
    assertEquals(one, costOf(() -> register(archive("c", 1, 1 << 22), null)));
    ChainId low = chain(1);
    ChainId high = chain(MANY);
    Cost onOne = costOf(() -> register(archive("d", 1, 1), low));
    assertEquals(onOne, costOf(() -> register(archive("d", 1, 1), high)));
    assertEquals(0, one.started(), one::toString);
    assertEquals(0, onOne.started(), onOne::toString);
    assertEquals(0, one.forces() + onOne.forces());
  }

  @Test
  void register_durably_forcesAsOftenForManyFiles() throws IOException {
    store.close();
    store = open("durable", Durability.FULL);
    register(archive("first", 1, 1), null); // Makes directories of the store.
    Cost few = costOf(() -> register(archive("a", FEW, 1), null));
    Cost many = costOf(() -> register(archive("b", MANY, 1 << 10), null));
    assertEquals(few, many);
    assertEquals(1, few.requests().get("sync"), few::toString);
    assertEquals(forcesOfALayer(directory), few.forces());
  }

  @Test
  void register_durablyOnALayer_forcesAsOftenAsOnNone() throws IOException {
    store.close();
    store = open("durable", Durability.FULL);
    ChainId parent = chain(2);
    assertEquals(
        forcesOfALayer(directory), costOf(() -> register(archive("a", 1, 1), parent)).forces());
  }

  @Test
  void createRWLayer_durably_forcesItsFilesAndFewNames() throws IOException {
    store.close();
    store = open("durable", Durability.FULL);
    ChainId parent = chain(2);
    store.createRWLayer("first", parent).close(); // Makes directories of the store, and a mark.
    Cost cost = costOf(() -> store.createRWLayer("rw", parent).close());
    // Two files of the store and two of the driver, the driver's directory and the new name; else
    // the names of the note and of its directory, those in two more of the driver's, the old name.
    int expected = AtomicFiles.forcesNamesInOrder(directory) ? 6 : 11;
    assertEquals(expected, cost.forces(), cost::toString);
    assertNull(cost.requests().get("sync"));
  }

  /** Two removals and two forcings, of which each after the first needs no new process. */
  @Test
  void removeAndSync_again_forkNoProcess() throws IOException {
    store.close();
    store = open("durable", Durability.FULL);
    for (String name : new String[] {"a", "b"}) {
      Layer layer = store.register(LayerSource.of(archive(name, 1, 1)), RegisterOptions.DEFAULT);
      store.release(layer);
    }
    assertEquals(
        Map.of("APPLY", 1),
        forksOf(
            () -> {
              Layer layer =
                  store.register(LayerSource.of(archive("c", 1, 1)), RegisterOptions.DEFAULT);
              store.release(layer);
            }));
  }

  @Test
  void release_durably_forcesItsNameAlone() throws IOException {
    store.close();
    store = open("durable", Durability.FULL);
    Layer layer = store.register(LayerSource.of(archive("a", 1, 1)), RegisterOptions.DEFAULT);
    Cost cost = costOf(() -> store.release(layer));
    assertEquals(1, cost.forces());
    assertNull(cost.requests().get("sync"));
  }

  @Test
  void register_layerThatIsThere_isLookedAtOnceInAStore() throws IOException {
    byte[] tar = archive("a", MANY, 1);
    register(tar, null);
    store.close();
    store = open("store", Durability.NONE);
    RegisterOptions known;
    try (Layer layer = store.get(store.layers().get(0).chainId())) {
      known = RegisterOptions.builder().expectedChainId(layer.chainId()).build();
    }
    Operation again = () -> store.register(LayerSource.of(tar), known).close();
    Cost first = costOf(again);
    assertEquals(Map.of(HELPER, 1), first.processes());
    assertEquals(new Cost(Map.of(), Map.of(), 0), costOf(again));
  }

  @Test
  void release_largeLayer_oneRequestAndNoProgram() throws IOException {
    for (int files : new int[] {FEW, MANY}) {
      Layer layer = store.register(LayerSource.of(archive("a", files, 1)), RegisterOptions.DEFAULT);
      Cost cost = costOf(() -> store.release(layer));
      assertEquals(Map.of("remove", 1), cost.requests());
      assertEquals(0, cost.started(), cost::toString);
    }
  }

  @Test
  void export_largeLayerHighUp_oneRequestAndNoProgram() throws IOException {
    ChainId parent = chain(3);
    for (int files : new int[] {FEW, MANY}) {
      try (Layer layer = store.register(LayerSource.of(archive("a", files, 1)), onTopOf(parent))) {
        Cost cost = costOf(() -> readAll(layer.tarStream()));
        assertEquals(Map.of("openDiff", 1), cost.requests());
        assertEquals(0, cost.started(), cost::toString);
      }
    }
  }

  @Test
  void changes_manyFiles_asForFew() throws IOException {
    warmUp();
    RWLayer few = changed("few", FEW);
    RWLayer many = changed("many", MANY);
    Cost cost = costOf(() -> assertEquals(FEW, few.changes().count()));
    assertEquals(cost, costOf(() -> assertEquals(MANY, many.changes().count())));
    assertEquals(0, cost.started(), cost::toString);
    Cost archive = costOf(() -> readAll(few.tarStream()));
    assertEquals(archive, costOf(() -> readAll(many.tarStream())));
    assertEquals(0, archive.started(), archive::toString);
  }

  private RWLayer changed(String name, int files) throws IOException {
    RWLayer rw = store.createRWLayer(name, chain(2));
    try (Mount mount = rw.mount()) {
      for (int i = 0; i < files; i++) {
        Files.createFile(mount.path().resolve("new" + i));
      }
    }
    return rw;
  }

  private static void readAll(InputStream tar) throws IOException {
    try (tar) {
      tar.transferTo(OutputStream.nullOutputStream());
    }
  }

  // ---- questions and answers ----

  /**
   * How often this process called {@code write} during an operation: every question to a helper is
   * one, or a part of one.
   */
  private static long writesOf(Operation operation) throws IOException {
    long before = writes();
    operation.run();
    return writes() - before;
  }

  private static long writes() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/io"))) {
      if (line.startsWith("syscw: ")) {
        return Long.parseLong(line.substring("syscw: ".length()));
      }
    }
    throw new IOException("/proc/self/io does not count writes");
  }

  private static void assertFew(long writes) {
    assertTrue(writes < VERY_MANY / 10, () -> writes + " for " + VERY_MANY + " entries");
  }

  @Test
  void export_veryManyFiles_asksForManyAtOnce() throws IOException {
    try (Layer layer =
        store.register(
            LayerSource.of(archive("some/directory/name", VERY_MANY, 10)),
            RegisterOptions.DEFAULT)) {
      assertFew(writesOf(() -> readAll(layer.tarStream())));
    }
  }

  @Test
  void export_largeFile_isWrittenInLargeBlocks() throws IOException {
    Path file = directory.resolve("exported.tar");
    try (Layer layer =
            store.register(LayerSource.of(archive("a", 1, 8 << 20)), RegisterOptions.DEFAULT);
        InputStream tar = layer.tarStream();
        OutputStream out = Files.newOutputStream(file)) {
      long writes = writesOf(() -> tar.transferTo(out));
      assertTrue(writes < (8 << 20) / (32 << 10), () -> writes + " writes for 8 MiB");
    }
  }

  @Test
  void register_layerThatIsThere_looksAtManyEntriesAtOnce() throws IOException {
    byte[] tar = archive("some/directory/name", VERY_MANY, 10);
    register(tar, null);
    store.close();
    store = open("store", Durability.NONE);
    ChainId id = store.layers().get(0).chainId();
    RegisterOptions known = RegisterOptions.builder().expectedChainId(id).build();
    assertFew(writesOf(() -> store.register(LayerSource.of(tar), known).close()));
  }

  @Test
  void changesSizeAndArchive_veryManyFilesChanged_askForManyAtOnce() throws IOException {
    RWLayer rw = changedInAll();
    assertFew(writesOf(() -> assertEquals(VERY_MANY, rw.changes().count())));
    assertFew(writesOf(rw::sizeBytes));
    assertFew(writesOf(() -> readAll(rw.tarStream())));
  }

  @Test
  void changes_inVeryManyDirectories_askForManyAtOnce() throws IOException {
    TarBuilder tar = new TarBuilder();
    for (int i = 0; i < VERY_MANY / 2; i++) {
      tar.directory("d" + i).file("d" + i + "/f", "x");
    }
    RWLayer rw;
    try (Layer layer =
        store.register(LayerSource.of(tar.end().toBytes()), RegisterOptions.DEFAULT)) {
      rw = store.createRWLayer("rw", layer.chainId());
    }
    try (Mount mount = rw.mount()) {
      for (int i = 0; i < VERY_MANY / 2; i++) {
        Files.writeString(mount.path().resolve("d" + i + "/f"), "changed");
      }
    }
    assertFew(writesOf(() -> assertEquals(VERY_MANY, rw.changes().count())));
  }

  @Test
  void commitAndSave_veryManyFilesChanged_askForManyAtOnce() throws IOException {
    RWLayer rw = changedInAll();
    ImageReference name = ImageReference.parse("mine:1");
    assertFew(writesOf(() -> store.images().commit(rw, name)));
    Path file = directory.resolve("saved.tar");
    Cost cost = costOf(() -> store.images().save("mine:1", file));
    assertEquals(Map.of("openDiff", 2), cost.requests());
    assertFew(writesOf(() -> store.images().save("mine:1", file)));
  }

  /** A read-write layer in which every file of the layer below has changed. */
  private RWLayer changedInAll() throws IOException {
    ChainId base;
    try (Layer layer =
        store.register(LayerSource.of(archive("f", VERY_MANY, 10)), RegisterOptions.DEFAULT)) {
      base = layer.chainId();
    }
    RWLayer rw = store.createRWLayer("rw", base);
    try (Mount mount = rw.mount()) {
      for (int i = 0; i < VERY_MANY; i++) {
        Files.writeString(mount.path().resolve("f" + i), "changed");
      }
    }
    return rw;
  }

  // ---- helpers ----

  @Test
  void storeWithSubordinateIds_openedAndUsed_startsOneHelperAndAsksForThemOnce()
      throws IOException {
    assumeTrue(!Machine.isRoot(), "root needs no subordinate ids");
    store.close();
    Cost cost =
        costOf(
            () -> {
              store = LayerStore.builder(directory.resolve("own")).driver("overlay2").open();
              for (int i = 0; i < FEW; i++) {
                register(archive("a" + i, 1, 1), null);
              }
            });
    assumeTrue(cost.processes().containsKey("newuidmap"), "no subordinate ids are granted here");
    assertEquals(Map.of(HELPER, 1, "newuidmap", 1, "newgidmap", 1), cost.processes());
  }
}
