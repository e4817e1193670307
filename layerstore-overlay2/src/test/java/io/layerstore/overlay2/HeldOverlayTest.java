package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ChainId;
import io.layerstore.Layer;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.MountBusyException;
import io.layerstore.RWLayer;
import io.layerstore.RecoveryReport;
import io.layerstore.testing.Machine;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.Tool;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Overlays that live on where their mount is undone: a process works in them in another mount
 * namespace, or they are mounted at another place too. There must never be two on one upper
 * directory.
 */
@SuppressWarnings("try") // Held by scope, not by name.
final class HeldOverlayTest {

  private static final @Nullable ChainId NO_PARENT = null;

  @TempDir Path directory;
  private Path root;
  private LayerStore store;
  private RWLayer rw;
  private Path files;

  @BeforeEach
  void openStore() throws IOException {
    Overlay2Testing.assumeSupported(directory);
    root = directory.resolve("store");
    store = open();
    try (Layer base = store.register(new TarBuilder().file("f", "x").end().toStream(), NO_PARENT)) {
      rw = store.createRWLayer("rw", base.chainId());
    }
    files = Path.of(rw.metadata().get("UpperDir"));
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

  /** A process that works in the mount, in a mount namespace of its own, until it is ended. */
  private record Elsewhere(Process process) implements AutoCloseable {

    static Elsewhere in(Mount mount) throws IOException {
      return in(mount, "echo; read end");
    }

    static Elsewhere in(Mount mount, String script) throws IOException {
      String unshare = Tool.require("unshare").program().toString();
      Process process =
          mount.enter(new ProcessBuilder(unshare, "--mount", "sh", "-c", script)).start();
      if (process.getInputStream().read() != '\n') {
        assumeTrue(false, "no mount namespace can be made");
      }
      return new Elsewhere(process);
    }

    long pid() {
      return process.pid();
    }

    @Override
    public void close() throws IOException {
      process.getOutputStream().close();
      try {
        process.waitFor();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException(e);
      }
    }
  }

  @Test
  void close_processInAnotherNamespace_refusesWithItsNameAndTheMountStays() throws IOException {
    Mount mount = rw.mount();
    try (Elsewhere user = Elsewhere.in(mount)) {
      MountBusyException e = assertThrows(MountBusyException.class, mount::close);
      assertEquals("rw", e.name());
      assertTrue(e.getMessage().contains("process " + user.pid() + " sh"), e::getMessage);
      assertFalse(e.getMessage().contains(rw.mountId()), e::getMessage);
      assertEquals("x", Files.readString(mount.path().resolve("f")));
    }
    mount.close();
    assertFalse(Files.exists(mount.path().resolve("f")));
  }

  @Test
  void close_refused_leavesOneOverlayForAll() throws Exception {
    Mount mount = rw.mount();
    Elsewhere user = Elsewhere.in(mount, "echo; read end; echo new > late; cat early");
    try (user) {
      assertThrows(MountBusyException.class, mount::close);
      Files.writeString(mount.path().resolve("early"), "seen there");
      user.process().getOutputStream().write('\n');
      user.process().getOutputStream().flush();
      assertEquals(
          "seen there",
          new String(user.process().getInputStream().readAllBytes(), StandardCharsets.UTF_8));
    }
    assertEquals("new\n", Files.readString(mount.path().resolve("late")));
    mount.close();
  }

  @Test
  void close_onlyACopyInAnotherNamespace_succeeds() throws IOException {
    Mount mount = rw.mount();
    try (Elsewhere idle = Elsewhere.in(mount, "cd /; echo; read end")) {
      mount.close();
      try (Mount again = rw.mount()) {
        assertEquals("x", Files.readString(again.path().resolve("f")));
      }
    }
  }

  @Test
  void close_mountedAtAnotherPlaceToo_refuses() throws Exception {
    Machine.requireRoot();
    Tool umount = Tool.require("umount");
    Path other = Files.createDirectory(directory.resolve("other place"));
    Mount mount = rw.mount();
    Tool.require("mount").run("--bind", mount.path(), other);
    try {
      MountBusyException e = assertThrows(MountBusyException.class, mount::close);
      assertTrue(e.getMessage().contains(other.toString()), e::getMessage);
      assertEquals("x", Files.readString(mount.path().resolve("f")));
    } finally {
      umount.run(other);
    }
    mount.close();
  }

  @Test
  void mount_closedLazilyAndUsedElsewhere_refusedUntilThatEnds() throws IOException {
    Mount mount = rw.mount();
    try (Elsewhere user = Elsewhere.in(mount)) {
      mount.closeLazily();
      assertFalse(Files.exists(mount.path().resolve("f")));
      MountBusyException e = assertThrows(MountBusyException.class, rw::mount);
      assertEquals("rw", e.name());
      assertTrue(e.getMessage().contains("process " + user.pid() + " sh"), e::getMessage);
    }
    try (Mount again = rw.mount()) {
      assertEquals("x", Files.readString(again.path().resolve("f")));
    }
  }

  @Test
  void releaseRWLayer_closedLazilyAndUsedElsewhere_keepsTheFilesUntilThatEnds() throws IOException {
    Mount mount = rw.mount();
    Files.writeString(mount.path().resolve("own"), "kept");
    try (Elsewhere user = Elsewhere.in(mount)) {
      mount.closeLazily();
      store.releaseRWLayer(rw);
      store.createRWLayer("rw", NO_PARENT).close();
      assertEquals("kept", Files.readString(files.resolve("own")));
      store.cleanup();
      assertEquals("kept", Files.readString(files.resolve("own")));
    }
    store.cleanup();
    assertFalse(Files.exists(files.getParent()));
  }

  @Test
  void open_usedElsewhereSinceAStoreBefore_reportsAndRefusesToMount() throws IOException {
    Mount mount = rw.mount();
    try (Elsewhere user = Elsewhere.in(mount)) {
      MountBusyException e = assertThrows(MountBusyException.class, store::close);
      assertTrue(e.getMessage().contains("process " + user.pid()), e::getMessage);
      assertEquals("rw", e.name());
      store = open();
      assertFalse(store.recoveryReport().of(RecoveryReport.Kind.POSTPONED).isEmpty());
      rw = store.getRWLayer("rw");
      assertThrows(MountBusyException.class, rw::mount);
    }
    rw.mount().close();
    assertTrue(store.cleanup().isClean());
  }

  @Test
  void mount_helperKilledWhileUsedInItsNamespace_refusedUntilThatEnds() throws IOException {
    assumeTrue(!Machine.isRoot(), "what root mounts outlives the helper");
    Set<ProcessHandle> before = Overlay2Testing.mountHelpers();
    Mount mount = rw.mount();
    Process user = mount.enter(new ProcessBuilder("sh", "-c", "echo; read end")).start();
    try (Elsewhere inside = new Elsewhere(user)) {
      assertEquals('\n', user.getInputStream().read());
      Set<ProcessHandle> helpers = Overlay2Testing.mountHelpers();
      helpers.removeAll(before);
      Overlay2Testing.kill(helpers);
      mount.close();
      assertThrows(MountBusyException.class, rw::mount);
      assertTrue(inside.process().isAlive());
    }
    rw.mount().close();
  }

  // ---- layers that nothing may change ----

  private static void assertRefusesWrites(Mount mount) {
    assertThrows(IOException.class, () -> Files.writeString(mount.path().resolve("intruder"), "x"));
    assertThrows(IOException.class, () -> Files.writeString(mount.path().resolve("f"), "x"));
    assertThrows(IOException.class, () -> Files.delete(mount.path().resolve("f")));
  }

  @Test
  void mount_baseLayer_showsItsFilesAndRefusesWrites() throws IOException {
    try (Layer base = store.get(rw.parent().orElseThrow());
        Mount mount = base.mount()) {
      assertEquals("x", Files.readString(mount.path().resolve("f")));
      assertRefusesWrites(mount);
    }
  }

  @Test
  void mount_layerOnALayer_refusesWrites() throws IOException {
    try (Layer top =
            store.register(
                new TarBuilder().file("f", "y").end().toStream(), rw.parent().orElseThrow());
        Mount mount = top.mount()) {
      assertEquals("y", Files.readString(mount.path().resolve("f")));
      assertRefusesWrites(mount);
    }
  }

  @Test
  void mount_baseLayerInAStoreForReadingOnly_refusesWrites() throws IOException {
    ChainId base = rw.parent().orElseThrow();
    try (LayerStore looking = LayerStore.builder(root).driver("overlay2").readOnly(true).open();
        Layer layer = looking.get(base);
        Mount mount = layer.mount()) {
      assertEquals("x", Files.readString(mount.path().resolve("f")));
      assertRefusesWrites(mount);
    }
  }

  @Test
  void mount_baseLayerTwice_countsAndLeavesNothing() throws IOException {
    try (Layer base = store.get(rw.parent().orElseThrow())) {
      Path layer = Path.of(base.metadata().get("UpperDir")).getParent();
      Mount first = base.mount();
      Mount second = base.mount();
      first.close();
      assertEquals("x", Files.readString(second.path().resolve("f")));
      second.close();
      assertFalse(Files.exists(layer.resolve("merged")));
    }
  }
}
