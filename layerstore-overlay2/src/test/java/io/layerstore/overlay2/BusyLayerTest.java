package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ChainId;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.MountBusyException;
import io.layerstore.MountOptions;
import io.layerstore.RWLayer;
import io.layerstore.RecoveryReport;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.Tool;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Layers that cannot be unmounted or removed because somebody uses them. */
final class BusyLayerTest {

  private static final @Nullable ChainId NO_PARENT = null;

  @TempDir Path directory;
  private Path root;
  private LayerStore store;

  @BeforeEach
  void openStore() throws LayerStoreException {
    Overlay2Testing.assumeSupported(directory);
    root = directory.resolve("store");
    store = open();
  }

  @AfterEach
  void closeStore() throws LayerStoreException {
    if (store != null) {
      store.close();
    }
  }

  private LayerStore open() throws LayerStoreException {
    return LayerStore.builder(root).driver("overlay2").open();
  }

  private static int status(String tool, Object... arguments) throws IOException {
    try {
      return Tool.require(tool).attempt(arguments).status();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  private RWLayer layerOnLayer() throws IOException {
    RWLayer below = store.createRWLayer("below", NO_PARENT);
    try (Mount mount = below.mount()) {
      Files.writeString(mount.path().resolve("f"), "x");
    }
    return store.createRWLayer("rw", below.commit().chainId());
  }

  @Test
  void close_fileOpenAndThreadInterrupted_namesThisProcessAndStatusStays() throws IOException {
    Mount mount = layerOnLayer().mount();
    try (InputStream open = Files.newInputStream(mount.path().resolve("f"))) {
      Thread.currentThread().interrupt();
      MountBusyException e = assertThrows(MountBusyException.class, mount::close);
      assertTrue(Thread.interrupted());
      String pid = Long.toString(ProcessHandle.current().pid());
      assertTrue(e.getMessage().contains("process " + pid + " java"), e::getMessage);
      assertEquals('x', open.read());
    }
    mount.close();
  }

  @Test
  void close_fileOpen_namesThisProcessAndCanBeRepeated() throws IOException {
    Mount mount = layerOnLayer().mount();
    try (InputStream open = Files.newInputStream(mount.path().resolve("f"))) {
      MountBusyException e = assertThrows(MountBusyException.class, mount::close);
      String pid = Long.toString(ProcessHandle.current().pid());
      assertTrue(e.getMessage().contains("process " + pid), e::getMessage);
      assertEquals('x', open.read());
    }
    mount.close();
    assertFalse(Files.exists(mount.path().resolve("f")));
  }

  @Test
  void closeLazily_fileOpen_isOutOfSightAndTheLayerCanGo() throws IOException {
    RWLayer rw = layerOnLayer();
    Mount mount = rw.mount();
    try (InputStream open = Files.newInputStream(mount.path().resolve("f"))) {
      mount.closeLazily();
      assertFalse(Files.exists(mount.path().resolve("f")));
      store.releaseRWLayer(rw);
      assertEquals('x', open.read());
    }
  }

  /** Mounts something in the directory {@code busy} of a layer while {@code work} runs. */
  private static void whileMounted(Path busy, Work work) throws IOException {
    assumeTrue(Overlay2Testing.isRoot(), "needs root, to mount in a layer");
    assumeTrue(status("mount", "-t", "tmpfs", "none", busy) == 0, "no tmpfs can be mounted");
    try {
      Files.writeString(busy.resolve("precious"), "x");
      work.run();
      assertEquals("x", Files.readString(busy.resolve("precious")));
    } finally {
      assertEquals(0, status("umount", busy));
    }
  }

  private interface Work {
    void run() throws IOException;
  }

  /** A read-write layer with a directory for somebody's mount. */
  private Path filesOf(RWLayer rw) throws IOException {
    try (Mount mount = rw.mount()) {
      Files.createDirectory(mount.path().resolve("busy"));
      return mount.path();
    }
  }

  @Test
  void releaseRWLayer_somethingMountedInIt_freesTheNameAndLeavesTheFilesToCleanup()
      throws IOException {
    RWLayer rw = store.createRWLayer("rw", NO_PARENT);
    Path files = filesOf(rw);
    whileMounted(
        files.resolve("busy"),
        () -> {
          store.releaseRWLayer(rw);
          assertEquals(List.of(), store.rwLayers());
          try (RWLayer again = store.createRWLayer("rw", NO_PARENT)) {
            assertNotEquals(files, filesOf(again));
          }
          List<RecoveryReport.Finding> postponed =
              store.cleanup().of(RecoveryReport.Kind.POSTPONED);
          assertEquals(1, postponed.size());
          String detail = postponed.get(0).detail();
          assertTrue(detail.contains("mount at /diff/busy"), detail);
        });
    assertEquals(1, store.cleanup().of(RecoveryReport.Kind.UNFINISHED_RW_LAYER).size());
    assertFalse(Files.exists(files));
    assertEquals(1, store.rwLayers().size());
    assertTrue(store.cleanup().isClean());
  }

  @Test
  void releaseRWLayer_somethingMountedInIt_isDoneByALaterOpen() throws IOException {
    RWLayer rw = store.createRWLayer("rw", NO_PARENT);
    Path files = filesOf(rw);
    whileMounted(
        files.resolve("busy"),
        () -> {
          store.releaseRWLayer(rw);
          store.close();
          store = open();
          assertEquals(1, store.recoveryReport().of(RecoveryReport.Kind.POSTPONED).size());
          assertEquals(List.of(), store.rwLayers());
        });
    store.close();
    store = open();
    assertFalse(Files.exists(files), () -> store.recoveryReport().toString());
  }

  @Test
  void releaseRWLayer_parentOfIt_isReleasedThoughItsFilesAreBusy() throws IOException {
    RWLayer rw = store.createRWLayer("rw", NO_PARENT);
    Path files = filesOf(rw);
    Layer parent = rw.commit();
    RWLayer above = store.createRWLayer("above", parent.chainId());
    parent.close();
    Path aboveFiles = Path.of(above.metadata().get("UpperDir"));
    Files.createDirectory(aboveFiles.resolve("busy"));
    whileMounted(
        aboveFiles.resolve("busy"), () -> assertEquals(1, store.releaseRWLayer(above).size()));
    assertEquals(List.of(), store.layers());
    store.cleanup();
    assertFalse(Files.exists(aboveFiles));
    assertTrue(Files.exists(files));
  }

  @Test
  void releaseRWLayer_itsMountHeldInAnotherNamespace_freesTheNameAndCleansUp() throws Exception {
    assumeTrue(Overlay2Testing.isRoot(), "needs root, for a mount namespace beside this one");
    assumeTrue(status("unshare", "--mount", "true") == 0, "no mount namespace can be made");
    RWLayer rw = layerOnLayer();
    Path files = Path.of(rw.metadata().get("UpperDir"));
    Mount mount = rw.mount();
    // Gets a copy of every mount, and keeps it when it is undone here.
    Process elsewhere =
        new ProcessBuilder(
                "unshare", "--mount", "--propagation", "private", "sh", "-c", "echo; read end")
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      assertEquals('\n', elsewhere.getInputStream().read());
      mount.close();
      store.releaseRWLayer(rw);
      store.createRWLayer("rw", NO_PARENT).close();
    } finally {
      elsewhere.getOutputStream().close();
      elsewhere.waitFor();
    }
    store.cleanup();
    assertFalse(Files.exists(files.getParent()));
    assertEquals(List.of(), Overlay2Testing.mountsBelow(root));
  }

  @Test
  void releaseRWLayer_itsMountInUseByAnotherProcess_namesThatAndChangesNothing() throws Exception {
    assumeTrue(Overlay2Testing.isRoot(), "needs root, for a persistent mount");
    RWLayer rw = layerOnLayer();
    Mount mount = rw.mount(MountOptions.persistent());
    Path merged = mount.path();
    mount.close();
    Process user =
        new ProcessBuilder("sh", "-c", "echo; read end").directory(merged.toFile()).start();
    try {
      assertEquals('\n', user.getInputStream().read());
      MountBusyException e = assertThrows(MountBusyException.class, () -> store.releaseRWLayer(rw));
      assertEquals("rw", e.name());
      assertTrue(e.getMessage().contains("process " + user.pid()), e::getMessage);
      assertEquals("x", Files.readString(merged.resolve("f")));
      assertTrue(store.rwLayers().stream().anyMatch(info -> info.name().equals("rw")));
    } finally {
      user.getOutputStream().close();
      user.waitFor();
    }
    store.releaseRWLayer(rw);
    assertFalse(Files.exists(merged));
  }

  @Test
  void release_somethingMountedInIt_isDoneByALaterOpen() throws IOException {
    Layer layer = store.register(new TarBuilder().directory("busy/").end().toStream(), NO_PARENT);
    Path files = Path.of(layer.metadata().get("UpperDir"));
    whileMounted(
        files.resolve("busy"),
        () -> {
          assertThrows(LayerStoreException.class, () -> store.release(layer));
          store.close();
          store = open();
          assertFalse(store.recoveryReport().of(RecoveryReport.Kind.POSTPONED).isEmpty());
        });
    store.close();
    store = open();
    assertFalse(Files.exists(files), () -> store.recoveryReport().toString());
    assertEquals(List.of(), store.layers());
  }
}
