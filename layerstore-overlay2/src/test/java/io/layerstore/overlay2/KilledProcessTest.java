package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ChainId;
import io.layerstore.Change;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.MountOptions;
import io.layerstore.RWLayer;
import io.layerstore.RecoveryReport.Kind;
import io.layerstore.testing.ChildJvm;
import io.layerstore.testing.TarBuilder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the next process makes of the mounts of one that ended, in an orderly way or not. */
final class KilledProcessTest {

  @TempDir Path directory;
  private Path root;

  @BeforeEach
  void requireOverlay() {
    Overlay2Testing.assumeSupported(directory);
    root = directory.resolve("store");
  }

  @AfterEach
  void nothingIsLeft() throws IOException {
    assertEquals(List.of(), Overlay2Testing.mountsBelow(directory));
  }

  private static LayerStore open(Path root) throws LayerStoreException {
    return LayerStore.builder(root).driver("overlay2").open();
  }

  /** Mounts, writes into the mount, and ends as its second argument says. */
  static final class Mounting {
    public static void main(String[] arguments) throws IOException {
      boolean isPersistent = arguments[1].startsWith("persistent");
      LayerStore store = open(Path.of(arguments[0]));
      ChainId none = null;
      Layer base = store.register(new TarBuilder().file("lower", "1").end().toStream(), none);
      boolean isTemporary = arguments[1].startsWith("temporary");
      RWLayer rw =
          isTemporary
              ? store.createTemporaryRWLayer(base.chainId())
              : store.createRWLayer("rw", base.chainId());
      Mount mount = rw.mount(isPersistent ? MountOptions.persistent() : MountOptions.DEFAULT);
      Files.writeString(mount.path().resolve("written"), "2");
      System.out.println(mount.path());
      if (arguments[1].endsWith("closed")) {
        mount.close();
        store.close();
        return;
      }
      // As a power cut for processes: neither this one nor its helpers can undo anything.
      Overlay2Testing.kill(ProcessHandle.current().descendants().toList());
      Runtime.getRuntime().halt(0);
    }
  }

  /** Gives the path at which it was mounted. */
  private Path run(String end) throws Exception {
    return Path.of(ChildJvm.run(List.of(), Mounting.class, root, end).text());
  }

  private static List<String> changes(RWLayer layer) throws LayerStoreException {
    try (Stream<Change> changes = layer.changes()) {
      return changes.map(Change::toString).toList();
    }
  }

  @Nested
  class Killed {

    @Test
    void open_mountLeft_layerIsWholeAndCanBeMountedAndReleased() throws Exception {
      run("killed");
      try (LayerStore store = open(root)) {
        RWLayer rw = store.getRWLayer("rw");
        assertEquals(List.of("A /written"), changes(rw));
        try (Mount mount = rw.mount()) {
          assertEquals("1", Files.readString(mount.path().resolve("lower")));
          assertEquals("2", Files.readString(mount.path().resolve("written")));
          Files.writeString(mount.path().resolve("more"), "3");
        }
        assertEquals(List.of("A /more", "A /written"), changes(rw));
        store.releaseRWLayer(rw);
      }
      try (Stream<Path> left = Files.list(root.resolve("overlay2"))) {
        assertEquals(List.of("l"), left.map(path -> path.getFileName().toString()).toList());
      }
    }

    @Test
    void open_temporaryLayerLeft_isDeletedAndReported() throws Exception {
      run("temporary, killed");
      try (LayerStore store = open(root)) {
        assertEquals(1, store.recoveryReport().of(Kind.UNFINISHED_RW_LAYER).size());
        assertEquals(List.of(), store.recoveryReport().of(Kind.POSTPONED));
        assertEquals(List.of(), store.rwLayers());
        assertEquals(1, store.layers().size());
        try (Stream<Path> left = Files.list(root.resolve("overlay2"))) {
          assertEquals(
              Set.of("l", store.layers().get(0).cacheId()),
              left.map(path -> path.getFileName().toString()).collect(Collectors.toSet()));
        }
      }
    }

    @Test
    void open_mountOfRootLeft_isUndoneAndReported() throws Exception {
      assumeTrue(Overlay2Testing.isRoot(), "an ordinary user's mounts end with their namespace");
      Path merged = run("killed");
      assertEquals(1, Overlay2Testing.mountsBelow(directory).size());
      try (LayerStore store = open(root)) {
        assertEquals(1, store.recoveryReport().of(Kind.DRIVER_REPAIR).size());
        assertEquals(List.of(), store.recoveryReport().of(Kind.POSTPONED));
        assertEquals(List.of(), Overlay2Testing.mountsBelow(directory));
        assertFalse(Files.exists(merged));
        store.releaseRWLayer(store.getRWLayer("rw"));
      }
    }

    @Test
    void open_mountOfUserGone_removesItsDirectory() throws Exception {
      assumeTrue(!Overlay2Testing.isRoot(), "root's mounts stay");
      run("killed");
      try (LayerStore store = open(root)) {
        assertEquals(1, store.recoveryReport().of(Kind.DRIVER_REPAIR).size());
        store.releaseRWLayer(store.getRWLayer("rw"));
      }
    }
  }

  @Nested
  class Persistent {

    @Test
    void open_persistentMountOfClosedStore_isTheSameAndLastsUntilItIsClosed() throws Exception {
      assertIsTakenOver("persistent, closed");
    }

    @Test
    void open_persistentMountOfKilledProcess_isTheSameAndLastsUntilItIsClosed() throws Exception {
      assertIsTakenOver("persistent, killed");
    }

    private void assertIsTakenOver(String end) throws Exception {
      assumeTrue(Overlay2Testing.isRoot(), "needs root");
      Path merged = run(end);
      assertEquals("2", Files.readString(merged.resolve("written")));
      try (LayerStore store = open(root)) {
        assertTrue(store.recoveryReport().findings().isEmpty(), "nothing is to be mended");
        RWLayer rw = store.getRWLayer("rw");
        try (Mount mount = rw.mount()) {
          assertEquals(merged, mount.path());
          assertEquals(1, Overlay2Testing.mountsBelow(directory).size());
          assertEquals("2", Files.readString(mount.path().resolve("written")));
        }
        assertFalse(Files.exists(merged));
        store.releaseRWLayer(rw);
      }
    }
  }
}
