package io.layerstore.overlay2.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.DriverException;
import io.layerstore.LayerStoreException;
import io.layerstore.MountBusyException;
import io.layerstore.overlay2.linux.wire.Errno;
import io.layerstore.spi.HelperFailureException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchService;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

final class MountHelperTest {

  @TempDir Path directory;
  private LinuxCalls calls;
  private MountSettings settings;
  private Path home;
  private Mounts mounts;

  @BeforeEach
  void openMounts() throws IOException {
    calls = Helpers.calls();
    settings = Helpers.settings(calls, directory);
    use(directory.resolve("home"));
  }

  @AfterEach
  void unmount() throws LayerStoreException {
    mounts.close();
    try (Mounts next = calls.openMounts(home, settings)) {
      for (Mounts.Point left : next.list()) {
        next.unmount(left.path().toString().replace("/merged", ""), true);
      }
    }
    for (String id : List.of("base", "top")) {
      calls.remove(home, id);
    }
  }

  /** Two layers in a new home. */
  private void use(Path newHome) throws IOException {
    if (mounts != null) {
      mounts.close();
    }
    home = Files.createDirectories(newHome);
    Helpers.makeLayer(home, "base", Helpers.link(1), false);
    Helpers.makeLayer(home, "top", Helpers.link(2), true);
    Files.writeString(home.resolve("base/diff/file"), "lower");
    mounts = calls.openMounts(home, settings);
  }

  private static OverlayMount top() {
    return OverlayMount.readWrite("top", List.of(Helpers.link(1)));
  }

  private Path merged() {
    return mounts.merged("top");
  }

  @Nested
  class Mount {

    @ParameterizedTest
    @EnumSource(Mounts.Api.class)
    void mount_readWrite_showsLowerAndTakesWrites(Mounts.Api api) throws IOException {
      Mounts.Api used = mounts.mount(top().with(api)).api();
      assertTrue(api == Mounts.Api.ANY || api == used);
      assertEquals("lower", Files.readString(merged().resolve("file")));
      Files.writeString(merged().resolve("new"), "upper");
      assertEquals("upper", Files.readString(home.resolve("top/diff/new")));
    }

    @ParameterizedTest
    @EnumSource(Mounts.Api.class)
    void mount_readOnly_showsItsOwnDirectoryAndRefusesWrites(Mounts.Api api) throws IOException {
      Files.writeString(home.resolve("top/diff/own"), "top");
      mounts.mount(OverlayMount.readOnly("top", List.of(Helpers.link(1))).with(api));
      assertEquals(List.of("file", "own"), Helpers.names(merged()));
      assertThrows(
          FileSystemException.class, () -> Files.writeString(merged().resolve("new"), "x"));
    }

    @ParameterizedTest
    @EnumSource(Mounts.Api.class)
    void mount_125Layers_showsAll(Mounts.Api api) throws IOException {
      List<String> links = layers(125);
      mounts.mount(OverlayMount.readWrite("top", links).with(api));
      assertEquals(126, Helpers.names(merged()).size());
      removeLayers(125);
    }

    @Test
    void mount_300LayersThroughNewCalls_showsAll() throws IOException {
      List<String> links = layers(300);
      mounts.mount(OverlayMount.readWrite("top", links).with(Mounts.Api.NEW));
      assertEquals(301, Helpers.names(merged()).size());
      removeLayers(300);
    }

    @Test
    void mount_300LayersThroughClassicCall_saysWhatToDo() throws IOException {
      List<String> links = layers(300);
      DriverException e =
          assertThrows(
              DriverException.class,
              () -> mounts.mount(OverlayMount.readWrite("top", links).with(Mounts.Api.CLASSIC)));
      assertTrue(e.getMessage().contains("too many layers"), e::getMessage);
      assertFalse(Files.exists(home.resolve("top/merged")));
      removeLayers(300);
    }

    /** Each with a file of its own; the base layer is the last. */
    private List<String> layers(int count) throws IOException {
      List<String> links = new ArrayList<>();
      for (int i = 0; i < count - 1; i++) {
        String link = Helpers.link(1000 + i);
        Helpers.makeLayer(home, "layer" + i, link, false);
        Files.writeString(home.resolve("layer" + i + "/diff/file" + i), "x");
        links.add(link);
      }
      links.add(Helpers.link(1));
      Files.createFile(home.resolve("top/diff/top"));
      return links;
    }

    private void removeLayers(int count) throws IOException {
      mounts.unmount("top", false);
      for (int i = 0; i < count - 1; i++) {
        Files.delete(home.resolve("layer" + i + "/diff/file" + i));
      }
    }

    @ParameterizedTest
    @ValueSource(strings = {"a:b", "a,b", "a\\b", "a b", "a\"b", "a=b,upperdir=c", "a\nb", " "})
    void mount_homeWithSpecialCharacters_works(String name) throws IOException {
      for (Mounts.Api api : Mounts.Api.values()) {
        use(directory.resolve(name + api));
        mounts.mount(top().with(api));
        assertEquals("lower", Files.readString(merged().resolve("file")));
        assertEquals(1, mounts.list().size());
        mounts.unmount("top", false);
        assertEquals(List.of(), mounts.list());
      }
    }

    @Test
    void mount_homeWithBytesThatAreNoText_works() throws IOException {
      Path odd = Path.of(URI.create(directory.toUri().toString() + "caf%E9%FF%C3%A9"));
      use(odd);
      mounts.mount(top());
      assertEquals("lower", Files.readString(merged().resolve("file")));
    }

    @Test
    void mount_longHome_works() throws IOException {
      use(directory.resolve("n".repeat(200)).resolve("m".repeat(200)).resolve("o".repeat(200)));
      for (Mounts.Api api : Mounts.Api.values()) {
        mounts.mount(top().with(api));
        assertEquals("lower", Files.readString(merged().resolve("file")));
        mounts.unmount("top", false);
      }
    }

    @Test
    void mount_homeThroughLink_works() throws IOException {
      Path link = Files.createSymbolicLink(directory.resolve("link"), home);
      try (Mounts other = calls.openMounts(link, settings)) {
        other.mount(top());
        assertEquals(1, other.list().size());
        assertEquals("lower", Files.readString(other.merged("top").resolve("file")));
      }
    }

    @Test
    void mount_twice_isRefusedAndTheFirstStays() throws IOException {
      mounts.mount(top());
      HelperFailureException e =
          assertThrows(HelperFailureException.class, () -> mounts.mount(top()));
      assertEquals(Errno.EBUSY, e.errno());
      assertEquals("lower", Files.readString(merged().resolve("file")));
      assertEquals(1, mounts.list().size());
    }

    @Test
    void mount_leftoverMountPoint_isUsed() throws IOException {
      Files.createDirectory(home.resolve("top/merged"));
      mounts.mount(top());
      assertEquals("lower", Files.readString(merged().resolve("file")));
    }

    @Test
    void mount_lowerLinkMissing_failsWithItsNameAndLeavesNothing() throws IOException {
      Files.delete(home.resolve("l").resolve(Helpers.link(1)));
      HelperFailureException e =
          assertThrows(HelperFailureException.class, () -> mounts.mount(top()));
      assertEquals(Errno.ENOENT, e.errno());
      assertTrue(e.getMessage().contains("l/" + Helpers.link(1)), e::getMessage);
      assertFalse(Files.exists(home.resolve("top/merged")));
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "/etc",
          "../../etc",
          "../base/work",
          "../base/diff/sub",
          "../../home/base/diff",
          ".."
        })
    void mount_lowerLinkLeadsElsewhere_isRefused(String target) throws IOException {
      Path link = home.resolve("l").resolve(Helpers.link(1));
      Files.delete(link);
      Files.createSymbolicLink(link, Path.of(target));
      HelperFailureException e =
          assertThrows(HelperFailureException.class, () -> mounts.mount(top()));
      assertEquals("look at lower layer", e.stage());
      assertEquals(List.of(), mounts.list());
    }

    @ParameterizedTest
    @ValueSource(strings = {"/etc", "../../home/top/work", "../other/diff", "../base"})
    void mount_lowerLinkLeadsElsewhereSinceAMount_isLookedAtAgain(String target)
        throws IOException {
      mounts.mount(top());
      mounts.unmount("top", false);
      Path link = home.resolve("l").resolve(Helpers.link(1));
      Files.delete(link);
      Files.createSymbolicLink(link, Path.of(target));
      Files.createDirectory(home.resolve("other"));
      Files.createSymbolicLink(home.resolve("other/diff"), Path.of("/etc"));
      HelperFailureException e =
          assertThrows(HelperFailureException.class, () -> mounts.mount(top()));
      assertEquals("look at lower layer", e.stage());
    }

    @Test
    void mount_lowerLayerReplacedSinceAMount_showsTheNewOne() throws IOException {
      mounts.mount(top());
      mounts.unmount("top", false);
      Files.move(home.resolve("base"), directory.resolve("away"));
      Files.createDirectories(home.resolve("base/diff"));
      Files.writeString(home.resolve("base/diff/file"), "another");
      mounts.mount(top());
      assertEquals("another", Files.readString(merged().resolve("file")));
    }

    @Test
    void mount_lowerLayerIsLink_isRefused() throws IOException {
      Files.move(home.resolve("base"), directory.resolve("elsewhere"));
      Files.createSymbolicLink(home.resolve("base"), directory.resolve("elsewhere"));
      assertThrows(HelperFailureException.class, () -> mounts.mount(top()));
      assertEquals(List.of(), mounts.list());
    }

    @ParameterizedTest
    @ValueSource(strings = {"base/diff", "top/diff", "top/work", "top"})
    void mount_directoryIsLink_isRefused(String name) throws IOException {
      Path away = directory.resolve("elsewhere");
      Files.move(home.resolve(name), away);
      Files.createSymbolicLink(home.resolve(name), away);
      assertThrows(HelperFailureException.class, () -> mounts.mount(top()));
      assertEquals(List.of(), mounts.list());
      Files.delete(home.resolve(name));
      Files.move(away, home.resolve(name));
    }

    @Test
    void mount_layerMissing_isFailureAndTheConversationGoesOn() throws IOException {
      OverlayMount missing = OverlayMount.readWrite("missing", List.of(Helpers.link(1)));
      HelperFailureException e =
          assertThrows(HelperFailureException.class, () -> mounts.mount(missing));
      assertEquals(Errno.ENOENT, e.errno());
      mounts.mount(top());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "..", "a/b", "-a", "a b", "a\nb", "a\0b"})
    void mount_invalidId_isArgumentError(String id) {
      List<String> links = List.of(Helpers.link(1));
      assertThrows(IllegalArgumentException.class, () -> OverlayMount.readWrite(id, links));
      assertThrows(IllegalArgumentException.class, () -> mounts.unmount(id, false));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "l", "../../../etc/aaaaaaaaaaaaaa", "abcdefghijklmnopqrstuvwxyz"})
    void mount_invalidLink_isArgumentError(String link) {
      List<String> links = List.of(link);
      assertThrows(IllegalArgumentException.class, () -> OverlayMount.readWrite("top", links));
    }

    @Test
    void mount_invalidLabel_isArgumentError() {
      assertThrows(IllegalArgumentException.class, () -> top().withLabel("a\",upperdir=\"b"));
    }

    @Test
    void mount_asOrdinaryUser_hidesTheHostsDirectory() throws IOException {
      assumeTrue(!Helpers.isRoot(), "root mounts where everybody can see it");
      mounts.mount(top());
      assertThrows(IOException.class, () -> Helpers.names(home.resolve("top/merged")));
      assertTrue(mounts.home().startsWith("/proc"));
    }

    @Test
    void mount_redirectInLowerLayer_isNotFollowed() throws IOException {
      Path secret = Files.createDirectories(home.resolve("base/diff/secret"));
      Files.writeString(secret.resolve("key"), "x");
      Path pub = Files.createDirectories(home.resolve("top/diff/pub"));
      String prefix = Helpers.isRoot() ? "trusted" : "user";
      assumeTrue(
          Helpers.run(
                  "setfattr", "-n", prefix + ".overlay.redirect", "-v", "/secret", pub.toString())
              == 0,
          "no setfattr");
      for (Mounts.Api api : Mounts.Api.values()) {
        mounts.mount(OverlayMount.readOnly("top", List.of(Helpers.link(1))).with(api));
        assertFalse(Files.exists(merged().resolve("pub/key")));
        mounts.unmount("top", false);
      }
    }

    @Test
    void mount_renameOfLowerDirectory_makesNoRedirect() throws IOException {
      Files.createDirectory(home.resolve("base/diff/d"));
      mounts.mount(top());
      // EXDEV, upon which the JDK copies an empty directory.
      Files.move(merged().resolve("d"), merged().resolve("e"));
      mounts.unmount("top", false);
      try (TreeScan scan = calls.openDiff(home, "top")) {
        for (TreeNode node : scan.list(io.layerstore.LayerPath.ROOT, TreeScan.XattrChoice.NONE)) {
          assertFalse(node.isRedirected());
        }
      }
    }
  }

  @Nested
  class Detached {

    @Test
    void mountDetached_showsTheLayerAndIsNowhere() throws IOException {
      Files.writeString(home.resolve("top/diff/own"), "top");
      Path path;
      try (Mounts.Detached mount =
          mounts.mountDetached(OverlayMount.readOnly("top", List.of(Helpers.link(1))))) {
        path = mount.path();
        assertEquals(List.of("file", "own"), Helpers.names(path));
        assertEquals(List.of(), mounts.list());
        assertFalse(Files.exists(home.resolve("top/merged")));
      }
      assertFalse(Files.exists(path));
    }

    @Test
    void mountDetached_closedTwice_isHarmless() throws IOException {
      Mounts.Detached mount =
          mounts.mountDetached(OverlayMount.readOnly("top", List.of(Helpers.link(1))));
      mount.close();
      mount.close();
      mounts.close();
      mount.close();
    }

    @Test
    void mountDetached_scanned_showsTheLayer() throws IOException {
      try (Mounts.Detached mount =
              mounts.mountDetached(OverlayMount.readOnly("top", List.of(Helpers.link(1))));
          TreeScan scan = calls.openTree(mount.path())) {
        assertEquals(1, scan.list(io.layerstore.LayerPath.ROOT, TreeScan.XattrChoice.NONE).size());
      }
    }
  }

  @Nested
  class Unmount {

    @Test
    void unmount_removesTheMountPoint() throws IOException {
      mounts.mount(top());
      mounts.unmount("top", false);
      assertFalse(Files.exists(home.resolve("top/merged")));
      assertEquals(List.of(), mounts.list());
    }

    @Test
    void unmount_nothingMounted_isHarmless() throws IOException {
      mounts.unmount("top", false);
      mounts.unmount("top", true);
    }

    @Test
    void unmount_layerMissing_isHarmless() throws IOException {
      mounts.unmount("missing", false);
      mounts.unmount("missing", true);
      assertEquals(List.of(), mounts.list());
    }

    @Test
    void unmount_layerIsLink_isRefused() throws IOException {
      Files.createSymbolicLink(home.resolve("link"), home.resolve("top"));
      mounts.mount(top());
      assertThrows(HelperFailureException.class, () -> mounts.unmount("link", false));
      assertEquals(1, mounts.list().size());
      Files.delete(home.resolve("link"));
    }

    @Test
    void unmount_inUse_namesTheHolderAndStays() throws IOException {
      mounts.mount(top());
      try (InputStream open = Files.newInputStream(merged().resolve("file"))) {
        assertNotNull(open);
        MountBusyException e =
            assertThrows(MountBusyException.class, () -> mounts.unmount("top", false));
        String self = "process " + ProcessHandle.current().pid() + " ";
        assertTrue(
            e.holders().stream().anyMatch(holder -> holder.startsWith(self)),
            () -> String.valueOf(e.holders()));
        assertEquals("lower", Files.readString(merged().resolve("file")));
      }
      mounts.unmount("top", false);
    }

    @Test
    void unmount_somethingMountedBelow_namesIt() throws IOException {
      Helpers.assumeRoot();
      Files.createDirectory(home.resolve("base/diff/a b"));
      mounts.mount(top());
      Path point = merged().resolve("a b");
      assumeTrue(
          Helpers.run("mount", "-t", "tmpfs", "none", point.toString()) == 0,
          "no tmpfs can be mounted");
      MountBusyException e =
          assertThrows(MountBusyException.class, () -> mounts.unmount("top", false));
      assertTrue(e.holders().contains("mount at /a b"), () -> String.valueOf(e.holders()));
      Helpers.run("umount", point.toString());
      mounts.unmount("top", false);
    }

    @Test
    void unmount_inUseLazily_isGoneAtOnce() throws IOException {
      mounts.mount(top());
      try (InputStream open = Files.newInputStream(merged().resolve("file"))) {
        mounts.unmount("top", true);
        assertEquals(List.of(), mounts.list());
        assertEquals('l', open.read());
      }
    }

    /**
     * Runs a command that sees what is mounted here, and may mount; for an ordinary user in the
     * namespaces of the helper.
     */
    private int runBeside(String script) throws IOException {
      List<String> shell = List.of("sh", "-c", script);
      return Helpers.run(mounts.commandIn(mounts.home(), false, shell).toArray(String[]::new));
    }

    /**
     * Mounts another overlay that has this one as a lower layer. It keeps this one as a namespace
     * does that is about to end: nobody works in it, and it stands in no table of mounts.
     */
    private Path mountAbove() throws IOException {
      Path above = Files.createDirectories(directory.resolve("above"));
      String options = Helpers.isRoot() ? "" : "userxattr,";
      String script =
          "mount --bind top/merged base/diff/other && mount -t overlay none -o "
              + options
              + "lowerdir=base/diff/other:top/work "
              + above
              + " && umount base/diff/other";
      assumeTrue(runBeside(script) == 0, "no overlay can be mounted on an overlay");
      return above;
    }

    @Test
    void unmount_lastUserIsAboutToEnd_waitsForTheEnd() throws Exception {
      Files.createDirectory(home.resolve("base/diff/other"));
      mounts.mount(top());
      Path above = mountAbove();
      ExecutorService thread = Executors.newSingleThreadExecutor();
      try (WatchService watch = home.getFileSystem().newWatchService()) {
        home.resolve("top").register(watch, StandardWatchEventKinds.ENTRY_DELETE);
        Future<Integer> end =
            thread.submit(
                () -> {
                  watch.take(); // The mount point is gone, so now the end is waited for.
                  return runBeside("umount " + above);
                });
        mounts.unmount("top", false);
        assertEquals(0, end.get());
      } finally {
        thread.shutdownNow();
      }
      assertFalse(Files.exists(home.resolve("top/merged")));
      mounts.mount(top());
    }

    @Test
    void unmount_userWhomNobodySeesStays_refusesAndMountsNoSecond() throws IOException {
      Files.createDirectory(home.resolve("base/diff/other"));
      mounts.mount(top());
      Path above = mountAbove();
      assertThrows(MountBusyException.class, () -> mounts.unmount("top", false));
      assertThrows(MountBusyException.class, () -> mounts.mount(top()));
      assertEquals(0, runBeside("umount " + above));
    }

    @Test
    void unmount_interrupted_isDoneAndStatusStays() throws IOException {
      mounts.mount(top());
      Thread.currentThread().interrupt();
      mounts.unmount("top", false);
      assertTrue(Thread.interrupted());
      assertEquals(List.of(), mounts.list());
    }
  }

  @Nested
  class Close {

    @Test
    void close_undoesMounts() throws IOException {
      mounts.mount(top());
      mounts.close();
      try (Mounts next = calls.openMounts(home, settings)) {
        assertEquals(List.of(), next.list());
      }
      assertFalse(Files.exists(home.resolve("top/merged")));
    }

    @Test
    void close_inUse_undoesMountsLazily() throws IOException {
      mounts.mount(top());
      try (InputStream open = Files.newInputStream(merged().resolve("file"))) {
        mounts.close();
        assertEquals('l', open.read());
      }
      try (Mounts next = calls.openMounts(home, settings)) {
        assertEquals(List.of(), next.list());
      }
    }

    @Test
    void close_persistentMount_staysAndIsFound() throws IOException {
      Helpers.assumeRoot();
      mounts.mount(top().persistent());
      mounts.close();
      assertEquals("lower", Files.readString(merged().resolve("file")));
      try (Mounts next = calls.openMounts(home, settings)) {
        List<Mounts.Point> found = next.list();
        assertEquals(1, found.size());
        assertEquals("top/merged", found.get(0).path().toString());
        assertEquals("overlay", found.get(0).fileSystem());
        next.unmount("top", false);
        assertEquals(List.of(), next.list());
      }
    }

    @Test
    void close_twice_isHarmless() throws IOException {
      mounts.close();
      mounts.close();
      assertThrows(LayerStoreException.class, () -> mounts.mount(top()));
    }
  }

  @Test
  void manyThreads_mountAndUnmount_leaveNothing() throws Exception {
    int layers = 16;
    for (int i = 0; i < layers; i++) {
      Helpers.makeLayer(home, "many" + i, Helpers.link(100 + i), true);
    }
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Callable<Void>> tasks = new ArrayList<>();
      for (int i = 0; i < layers; i++) {
        String id = "many" + i;
        tasks.add(
            () -> {
              for (int round = 0; round < 15; round++) {
                mounts.mount(OverlayMount.readWrite(id, List.of(Helpers.link(1))));
                assertTrue(Files.exists(mounts.merged(id).resolve("file")));
                mounts.unmount(id, false);
              }
              return null;
            });
      }
      for (Future<Void> done : threads.invokeAll(tasks)) {
        done.get();
      }
    } finally {
      threads.shutdownNow();
    }
    assertEquals(List.of(), mounts.list());
    for (int i = 0; i < layers; i++) {
      calls.remove(home, "many" + i);
    }
  }
}
