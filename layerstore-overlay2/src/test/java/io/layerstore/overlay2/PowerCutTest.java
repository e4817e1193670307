package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ChainId;
import io.layerstore.CommitImageOptions;
import io.layerstore.Durability;
import io.layerstore.ImageReference;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.Mount;
import io.layerstore.RWLayer;
import io.layerstore.RWLayerOptions;
import io.layerstore.RegisterOptions;
import io.layerstore.driver.AtomicFiles;
import io.layerstore.testing.Machine;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.Tool;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The power goes, for a kernel's own file system: an ext4 in a file, of which a copy is taken as
 * soon as a call has returned. What the kernel had not been made to write is not in the copy.
 */
final class PowerCutTest {

  private static final int FILES = 40;
  private static final long DISK_BYTES = 64 << 20;
  private static final String CONTENT = "not to be lost\n".repeat(100);

  @TempDir Path directory;
  private Path disk;
  private Path before;
  private Path after;
  private final List<Path> mounts = new ArrayList<>();

  @BeforeEach
  void makeDisk() throws Exception {
    Machine.requireRoot();
    disk = directory.resolve("disk");
    before = Files.createDirectory(directory.resolve("before"));
    after = Files.createDirectory(directory.resolve("after"));
    Tool.require("truncate").run("-s", DISK_BYTES, disk);
    Tool.require("mkfs.ext4").run("-q", disk);
    // The kernel is not to commit anything by itself while the test runs.
    Tool.Result mounted = Tool.require("mount").attempt("-o", "loop,commit=600", disk, before);
    assumeTrue(mounted.status() == 0, "needs loop devices: " + mounted);
    mounts.add(before);
  }

  @AfterEach
  void unmount() throws Exception {
    for (Path mounted : mounts) {
      Tool.require("umount").attempt(mounted);
    }
  }

  private LayerStore open(Path at, String driver) throws IOException {
    return LayerStore.builder(at.resolve("store"))
        .driver(driver)
        .durability(Durability.FULL)
        .open();
  }

  /** Cuts the power, and starts the machine again on {@link #after}. */
  private void cut() throws Exception {
    Path copy = directory.resolve("copy");
    Tool.require("cp").run("--sparse=always", disk, copy);
    Tool.require("mount").run("-o", "loop", copy, after);
    mounts.add(after);
  }

  private static byte[] archive(String prefix) {
    TarBuilder tar = new TarBuilder().directory(prefix);
    for (int i = 0; i < FILES; i++) {
      tar.file(prefix + "/" + i, CONTENT);
    }
    return tar.end().toBytes();
  }

  private static ChainId register(LayerStore store) throws IOException {
    try (Layer layer = store.register(LayerSource.of(archive("base")), RegisterOptions.DEFAULT)) {
      return layer.chainId();
    }
  }

  private static void assertHas(LayerStore store, String... prefixes) throws IOException {
    try (RWLayer rw = store.getRWLayer("rw");
        Mount mount = rw.mount()) {
      for (String prefix : prefixes) {
        for (int i = 0; i < FILES; i++) {
          assertEquals(CONTENT, Files.readString(mount.path().resolve(prefix + "/" + i)));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"vfs", "overlay2"})
  void createRWLayer_powerCutAfterIt_isWhole(String driver) throws Exception {
    try (LayerStore store = open(before, driver)) {
      RWLayerOptions options =
          RWLayerOptions.builder()
              .initializer(
                  root -> {
                    Files.createDirectory(root.resolve("init"));
                    for (int i = 0; i < FILES; i++) {
                      Files.writeString(root.resolve("init/" + i), CONTENT);
                    }
                  })
              .build();
      store.createRWLayer("rw", options.toBuilder().parent(register(store)).build()).close();
      cut();
    }
    try (LayerStore store = open(after, driver)) {
      assertHas(store, "base", "init");
    }
  }

  /** Nothing forces the whole file system after it. */
  @Test
  void createRWLayer_asItIs_powerCutAfterIt_isWhole() throws Exception {
    try (LayerStore store = open(before, "overlay2")) {
      store.createRWLayer("rw", register(store)).close();
      cut();
    }
    try (LayerStore store = open(after, "overlay2")) {
      assertEquals(List.of(), store.recoveryReport().findings());
      assertHas(store, "base");
    }
  }

  @Test
  void register_powerCutAfterIt_isWhole() throws Exception {
    ChainId id;
    try (LayerStore store = open(before, "overlay2")) {
      id = register(store);
      cut();
    }
    try (LayerStore store = open(after, "overlay2");
        Layer layer = store.get(id);
        InputStream tar = layer.tarStream()) {
      assertEquals(List.of(), store.recoveryReport().findings());
      assertArrayEquals(archive("base"), tar.readAllBytes());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"vfs", "overlay2"})
  void applyDiff_powerCutAfterIt_isWhole(String driver) throws Exception {
    try (LayerStore store = open(before, driver);
        RWLayer rw = store.createRWLayer("rw", register(store))) {
      rw.applyDiff(new ByteArrayInputStream(archive("diff")));
      cut();
    }
    try (LayerStore store = open(after, driver)) {
      assertHas(store, "base", "diff");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"vfs", "overlay2"})
  void commitAndTag_powerCutAfterThem_imageIsWhole(String driver) throws Exception {
    byte[] committed;
    try (LayerStore store = open(before, driver);
        RWLayer rw = store.createRWLayer("rw", register(store))) {
      rw.applyDiff(new ByteArrayInputStream(archive("diff")));
      CommitImageOptions options =
          CommitImageOptions.builder().reference(ImageReference.parse("mine:1")).build();
      store.images().commit(rw, options);
      committed = export(store);
      cut();
    }
    try (LayerStore store = open(after, driver)) {
      assertArrayEquals(committed, export(store));
    }
  }

  @Test
  void forcesNamesInOrder_ext4_onlyWithItsJournal() throws Exception {
    assertTrue(AtomicFiles.forcesNamesInOrder(before));
    Path unordered = directory.resolve("unordered");
    Tool.require("truncate").run("-s", DISK_BYTES, unordered);
    Tool.require("mkfs.ext4").run("-q", "-O", "^has_journal", unordered);
    Tool.require("mount").run("-o", "loop", unordered, after);
    mounts.add(after);
    assertFalse(AtomicFiles.forcesNamesInOrder(after));
  }

  /**
   * Of a layer the note and the new name; else two files of the store, and two and their directory.
   */
  @Test
  void registerAndCreateRWLayer_onAJournal_forceNamesWithWhatWasChangedLast() throws Exception {
    try (LayerStore store = open(before, "overlay2")) {
      register(store);
      try (Layer layer = store.register(LayerSource.of(archive("kept")), RegisterOptions.DEFAULT)) {
        store.createRWLayer("first", layer.chainId()).close(); // Makes directories of the store.
        assertEquals(6, forcesOf(() -> store.createRWLayer("rw", layer.chainId()).close()));
      }
      assertEquals(
          2,
          forcesOf(
              () ->
                  store
                      .register(LayerSource.of(archive("other")), RegisterOptions.DEFAULT)
                      .close()));
    }
  }

  private long forcesOf(CountedStore.Operation operation) throws IOException {
    Path file = directory.resolve("recording.jfr");
    try (Recording recording = new Recording()) {
      recording.enable("jdk.FileForce").withoutThreshold();
      recording.start();
      operation.run();
      recording.stop();
      recording.dump(file);
    }
    return RecordingFile.readAllEvents(file).stream()
        .filter(event -> event.getEventType().getName().equals("jdk.FileForce"))
        .count();
  }

  private static byte[] export(LayerStore store) throws IOException {
    ChainId top = store.images().resolve("mine:1").topLayer().orElseThrow();
    try (Layer layer = store.get(top);
        InputStream tar = layer.tarStream()) {
      return tar.readAllBytes();
    }
  }
}
