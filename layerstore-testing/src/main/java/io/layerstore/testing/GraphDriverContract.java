package io.layerstore.testing;

import static io.layerstore.testing.TreeChange.TIME;
import static io.layerstore.testing.TreeChange.characterDevice;
import static io.layerstore.testing.TreeChange.chmod;
import static io.layerstore.testing.TreeChange.chown;
import static io.layerstore.testing.TreeChange.dir;
import static io.layerstore.testing.TreeChange.fifo;
import static io.layerstore.testing.TreeChange.file;
import static io.layerstore.testing.TreeChange.hardLink;
import static io.layerstore.testing.TreeChange.remove;
import static io.layerstore.testing.TreeChange.symlink;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.DriverException;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.MountBusyException;
import io.layerstore.MountOptions;
import io.layerstore.RecoveryReport;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.DriverIds;
import io.layerstore.spi.DriverTraits;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.LayerTree;
import io.layerstore.spi.NativeDiff;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What every graph driver must do: each sentence of {@link GraphDriver} and of the interfaces it
 * gives out, as tests, one group for each operation, in the order of the interface.
 *
 * <p>A driver proves itself with a subclass that says what it keeps, where it works, and how it is
 * opened:
 *
 * <pre>{@code
 * final class MyDriverTest extends GraphDriverContract {
 *   @TempDir Path directory;
 *
 *   @Override protected DriverTraits traits() { return DriverTraits.builder().keepsOwners(true).build(); }
 *   @Override protected Path newRoot() { return directory; }
 *   @Override protected GraphDriver open(Path root) throws LayerStoreException { ... }
 * }
 * }</pre>
 *
 * <p>What a driver does not do by its {@link DriverTraits} is skipped, with the reason. After each
 * test everything is closed and removed, and nothing may be left: no mount, no file in the driver's
 * home, no trace in the directory beside the store.
 */
public abstract class GraphDriverContract {

  private Path newRoot;
  private DriverKit kit;

  /** What the driver keeps, and how. */
  protected abstract DriverTraits traits();

  /** An empty directory for one test. */
  protected abstract Path newRoot() throws IOException;

  /**
   * Opens the driver for the store in {@code root}, with its home in {@code root}, without options
   * or mapping.
   */
  protected abstract GraphDriver open(Path root) throws LayerStoreException;

  /**
   * What tells a layer from its parent: the driver's own way, or, in a subclass that can reach one,
   * the comparison of trees that is used in its place.
   */
  protected Optional<NativeDiff> diff(GraphDriver driver, String id, @Nullable String parent)
      throws LayerStoreException {
    return driver.nativeDiff(id, parent);
  }

  /**
   * Whether layers show what their files lack by the traits, as a driver does that keeps records
   * beside its files. One that does not shows what the files have: the owner 0:0, no devices, no
   * {@code trusted} attributes.
   */
  protected boolean showsWhatFilesLack() {
    return true;
  }

  /**
   * Ends what {@link #newRoot} began, such as a file system in memory, after everything was
   * checked. An {@code @AfterEach} of the subclass would come before that.
   */
  protected void discard(Path newRoot) throws IOException {}

  @BeforeEach
  final void openDriver() throws IOException {
    newRoot = newRoot();
    kit = new DriverKit(this::open, this::diff, traits(), showsWhatFilesLack(), newRoot);
  }

  @AfterEach
  final void checkThatNothingIsLeft() throws IOException {
    try {
      if (kit != null) {
        kit.close();
      }
    } finally {
      discard(newRoot);
    }
  }

  private GraphDriver driver() {
    return kit.driver();
  }

  @Nested
  class Name {

    @Test
    void name_always_namesTheHome() {
      assertTrue(Files.isDirectory(kit.root().resolve(driver().name())));
    }
  }

  @Nested
  class Traits {

    @Test
    void traits_always_areAsDeclared() {
      assertEquals(kit.traits(), driver().traits());
    }

    /** What the operating system says about the only file of a layer. */
    private Object onDisk(TreeChange.Put entry, String attribute) throws IOException {
      String id = kit.layer(null, entry);
      try {
        Path path = kit.mount(id).resolve(entry.path());
        return Files.getAttribute(path, attribute, LinkOption.NOFOLLOW_LINKS);
      } finally {
        driver().unmount(id);
      }
    }

    @Test
    void keepsOwners_isTrueOfTheFiles() throws IOException {
      kit.require(kit.traits().keepsOwners(), "owners are not on the files");
      assertEquals(5, onDisk(file("f", "x").owner(5, 6), "unix:uid"));
      assertEquals(6, onDisk(file("f", "x").owner(5, 6), "unix:gid"));
    }

    @Test
    void keepsSpecialModes_isTrueOfTheFiles() throws IOException {
      kit.require(kit.traits().keepsSpecialModes(), "special modes are not on the files");
      assertEquals(0106755, onDisk(file("f", "x").mode(06755).owner(5, 6), "unix:mode"));
    }

    @Test
    void keepsSpecialModes_false_leavesNoSetuidFileOfThisUser() throws IOException {
      kit.require(!kit.traits().keepsSpecialModes(), "special modes are on the files");
      kit.require(
          kit.root().getFileSystem().supportedFileAttributeViews().contains("unix")
              && kit.root().getFileSystem() == FileSystems.getDefault(),
          "the file system has no special modes");
      assertEquals(0100755, onDisk(file("f", "x").mode(06755), "unix:mode"));
    }

    @Test
    void keepsDevices_isTrueOfTheFiles() throws IOException {
      kit.require(kit.traits().keepsDevices(), "devices are not on the file system");
      assertEquals(true, onDisk(fifo("p"), "isOther"));
      assertEquals(1L << 8 | 3, onDisk(characterDevice("c", 1, 3), "unix:rdev"));
    }
  }

  @Nested
  class Status {

    @Test
    void status_twice_isInTheSameOrder() throws IOException {
      assertEquals(statusNames(), statusNames());
    }

    private List<String> statusNames() throws LayerStoreException {
      return driver().status().facts().stream().map(fact -> fact.name()).toList();
    }
  }

  @Nested
  class Recovery {

    @Test
    void recoveryReport_newHome_isClean() {
      assertEquals(RecoveryReport.CLEAN, driver().recoveryReport());
    }

    @Test
    void recoveryReport_homeThatWasClosed_isClean() throws IOException {
      kit.layer(kit.layer(null, file("a", "1")), file("b", "2"));
      kit.readWriteLayer(null);
      kit.reopen();
      assertEquals(RecoveryReport.CLEAN, driver().recoveryReport());
    }
  }

  @Nested
  class Create {

    @Test
    void create_withoutParent_isAnEmptyRoot() throws IOException {
      String id = kit.emptyLayer(null);
      try (LayerTree tree = driver().tree(id)) {
        Attributes root = tree.find(LayerPath.ROOT).orElseThrow().entry().attributes();
        assertEquals(0755, root.mode());
        assertEquals(0, root.uid());
        assertEquals(0, root.gid());
        assertEquals(List.of(), tree.list(LayerPath.ROOT));
      }
    }

    @Test
    void create_onParent_showsTheParent() throws IOException {
      String parent = kit.layer(null, dir("d").mode(0700).owner(5, 6), file("d/f", "x"));
      kit.assertShown(kit.emptyLayer(parent));
    }

    @Test
    void create_onParentWithHardLinks_keepsThem() throws IOException {
      String parent = kit.layer(null, file("a", "x"), hardLink("b", "a"), symlink("l", "a"));
      kit.assertShown(kit.emptyLayer(parent));
    }

    @Test
    void create_chainOfLayers_showsAllOfThem() throws IOException {
      String id = null;
      for (int i = 0; i < 30; i++) {
        id = kit.layer(id, dir("d"), file("d/" + i, "layer " + i), file("last", "" + i));
      }
      kit.assertShown(id);
      assertEquals("layer 0", kit.content(id, "d/0"));
    }

    @Test
    void create_sizeOption_isRefusedAndLeavesNothing() throws IOException {
      assertLeavesNothing(
          LayerStoreException.class,
          id ->
              driver()
                  .create(id, null, CreateOptions.builder().storageOption("size", "10G").build()));
    }

    @Test
    void create_unknownOption_isRefusedAndLeavesNothing() throws IOException {
      assertLeavesNothing(
          LayerStoreException.class,
          id ->
              driver()
                  .create(
                      id, null, CreateOptions.builder().storageOption("colour", "red").build()));
    }

    @Test
    void create_missingParent_isRefusedAndLeavesNothing() throws IOException {
      assertLeavesNothing(
          LayerStoreException.class, id -> driver().create(id, "missing", CreateOptions.DEFAULT));
    }

    @Test
    void create_invalidParent_isRefusedAndLeavesNothing() throws IOException {
      assertLeavesNothing(
          IllegalArgumentException.class, id -> driver().create(id, "../x", CreateOptions.DEFAULT));
    }

    @Test
    void create_existingId_leavesTheLayerAsItWas() throws IOException {
      String id = kit.layer(null, file("f", "precious"));
      assertThrows(
          LayerStoreException.class, () -> driver().create(id, null, CreateOptions.DEFAULT));
      kit.assertShown(id);
    }
  }

  @Nested
  class CreateReadWrite {

    @Test
    void createReadWrite_withoutParent_isEmpty() throws IOException {
      assertEquals(List.of(), kit.paths(kit.readWriteLayer(null)));
    }

    @Test
    void createReadWrite_onParent_showsTheParent() throws IOException {
      String parent = kit.layer(null, dir("d").mode(0700).owner(5, 6), file("d/f", "x"));
      kit.assertShown(kit.readWriteLayer(parent));
    }

    @Test
    void createReadWrite_onReadWriteLayer_showsIt() throws IOException {
      String init = kit.readWriteLayer(kit.layer(null, file("a", "1")));
      kit.change(init, file("b", "2"));
      assertEquals(List.of("a", "b"), kit.paths(kit.readWriteLayer(init)));
    }

    @Test
    void createReadWrite_twiceOnOneParent_areIndependent() throws IOException {
      String parent = kit.layer(null, file("f", "x"));
      String one = kit.readWriteLayer(parent);
      String two = kit.readWriteLayer(parent);
      kit.change(one, file("f", "one"), file("g", ""));
      kit.change(two, remove("f"));
      assertEquals(List.of("f", "g"), kit.paths(one));
      assertEquals(List.of(), kit.paths(two));
      kit.assertShown(parent);
    }

    @Test
    void createReadWrite_sizeOption_isHonouredOrRefusedAndLeavesNothing() throws IOException {
      String id = DriverIds.random();
      SortedSet<String> before = kit.homeListing();
      try {
        driver()
            .createReadWrite(
                id, null, CreateOptions.builder().storageOption("size", "10G").build());
        assertTrue(driver().exists(id));
      } catch (LayerStoreException e) {
        assertEquals(before, kit.homeListing());
        assertFalse(driver().exists(id));
      }
    }

    @Test
    void createReadWrite_unknownOption_isRefusedAndLeavesNothing() throws IOException {
      assertLeavesNothing(
          LayerStoreException.class,
          id ->
              driver()
                  .createReadWrite(
                      id, null, CreateOptions.builder().storageOption("a", "b").build()));
    }

    @Test
    void createReadWrite_missingParent_isRefusedAndLeavesNothing() throws IOException {
      assertLeavesNothing(
          LayerStoreException.class,
          id -> driver().createReadWrite(id, "missing", CreateOptions.DEFAULT));
    }
  }

  /** Something done with a layer. */
  private interface Action {
    void run(String id) throws IOException;
  }

  private void assertLeavesNothing(Class<? extends Throwable> type, Action action)
      throws IOException {
    String id = DriverIds.random();
    SortedSet<String> before = kit.homeListing();
    assertThrows(type, () -> action.run(id));
    assertFalse(driver().exists(id));
    assertEquals(List.of(), driver().ids());
    assertEquals(before, kit.homeListing());
  }

  @Nested
  class Ids {

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "..", "a/b", "/etc", "../x", "a\0b", "-x", ".x", "a b", "é"})
    void everyMethod_idThatIsNoSafeName_throws(String id) {
      List<Action> actions =
          List.of(
              i -> driver().create(i, null, CreateOptions.DEFAULT),
              i -> driver().createReadWrite(i, null, CreateOptions.DEFAULT),
              i -> driver().remove(i),
              i -> driver().exists(i),
              i -> driver().mount(i, MountOptions.DEFAULT),
              i -> driver().unmount(i),
              i -> driver().metadata(i),
              i -> driver().openWriter(i, null, new RecordingWriteContext()).close(),
              i -> driver().files(i).close(),
              i -> driver().tree(i).close(),
              i -> driver().nativeDiff(i, null),
              i -> driver().sync(i));
      for (Action action : actions) {
        assertThrows(IllegalArgumentException.class, () -> action.run(id));
      }
    }

    @Test
    void ids_newHome_isEmpty() throws IOException {
      assertEquals(List.of(), driver().ids());
    }

    @Test
    void ids_severalLayers_areSorted() throws IOException {
      for (String id : List.of("zoo", "B", "a1", "sv7u2d1kxgmho3zpb5q9wtcne")) {
        driver().create(id, null, CreateOptions.DEFAULT);
      }
      driver().createReadWrite("rw", null, CreateOptions.DEFAULT);
      assertEquals(List.of("B", "a1", "rw", "sv7u2d1kxgmho3zpb5q9wtcne", "zoo"), driver().ids());
    }

    @Test
    void ids_afterReopen_areTheSame() throws IOException {
      kit.layer(kit.layer(null, file("a", "")), file("b", ""));
      kit.readWriteLayer(null);
      List<String> before = driver().ids();
      kit.reopen();
      assertEquals(before, driver().ids());
      assertEquals(3, before.size());
    }

    @Test
    void ids_foreignDirectory_isNotListed() throws IOException {
      Path foreign = Files.createDirectory(kit.home().resolve("foreign"));
      try {
        assertEquals(List.of(), driver().ids());
      } finally {
        Files.delete(foreign);
      }
    }
  }

  @Nested
  class Remove {

    @Test
    void remove_layer_isGone() throws IOException {
      String id = kit.layer(null, dir("d"), file("d/f", "x"));
      driver().remove(id);
      assertFalse(driver().exists(id));
      assertEquals(List.of(), driver().ids());
    }

    @Test
    void remove_missing_doesNothing() throws IOException {
      driver().remove("missing");
      assertEquals(List.of(), driver().ids());
    }

    @Test
    void remove_child_leavesTheParentAsItWas() throws IOException {
      String parent = kit.layer(null, file("f", "x"), hardLink("g", "f"));
      String child = kit.layer(parent, file("h", "y"));
      driver().remove(child);
      kit.assertShown(parent);
    }

    @Test
    void remove_thenCreateAgain_isIndependent() throws IOException {
      String id = kit.layer(null, file("f", "x").owner(5, 6).mode(04755));
      driver().remove(id);
      driver().create(id, null, CreateOptions.DEFAULT);
      assertEquals(List.of(), kit.paths(id));
      kit.write(id, null, file("f", "x"));
      TreeModel.of(file("f", "x")).snapshot().assertShownBy(driver(), id);
    }

    @Test
    void remove_directoriesWithoutPermissions_removesThem() throws IOException {
      String id =
          kit.layer(
              null, dir("d").mode(0), file("d/f", "x"), dir("e").mode(0500), dir("e/g").mode(0100));
      driver().remove(id);
      assertFalse(driver().exists(id));
    }

    @Test
    void remove_busyMount_throwsAndLeavesIt() throws IOException {
      kit.require(kit.traits().hasKernelMounts(), "a mount of this driver is never busy");
      String parent = kit.layer(null, file("f", "x"));
      String id = kit.readWriteLayer(parent);
      MountedTree mounted = kit.mount(id);
      try (InputStream open = Files.newInputStream(mounted.resolve("f"))) {
        assertThrows(MountBusyException.class, () -> driver().remove(id));
        assertEquals('x', open.read());
      }
      assertTrue(driver().exists(id));
      assertEquals(List.of("f"), kit.paths(id));
      driver().unmount(id);
    }
  }

  @Nested
  class Exists {

    @Test
    void exists_createdLayers_isTrue() throws IOException {
      assertTrue(driver().exists(kit.emptyLayer(null)));
      assertTrue(driver().exists(kit.readWriteLayer(null)));
    }

    @Test
    void exists_missing_isFalse() throws IOException {
      assertFalse(driver().exists("missing"));
    }

    @Test
    void exists_afterReopen_isTrue() throws IOException {
      String id = kit.emptyLayer(null);
      kit.reopen();
      assertTrue(driver().exists(id));
    }
  }

  @Nested
  class Mount {

    @Test
    void mount_layer_showsItsFiles() throws IOException {
      String id =
          kit.layer(kit.layer(null, dir("d"), file("d/a", "1")), dir("d"), file("d/b", "2"));
      MountedTree mounted = kit.mount(id);
      try {
        assertEquals("1", Files.readString(mounted.resolve("d/a")));
        assertEquals("2", Files.readString(mounted.resolve("d/b")));
      } finally {
        driver().unmount(id);
      }
    }

    @Test
    void mount_twice_isTheSamePath() throws IOException {
      String id = kit.readWriteLayer(kit.layer(null, file("f", "x")));
      Path first = driver().mount(id, MountOptions.DEFAULT);
      Path second = driver().mount(id, MountOptions.DEFAULT);
      assertEquals(first, second);
      driver().unmount(id);
      driver().unmount(id);
    }

    @Test
    void mount_twiceAndUnmountedOnce_isStillThere() throws IOException {
      String id = kit.readWriteLayer(kit.layer(null, file("f", "x")));
      MountedTree mounted = kit.mount(id);
      kit.mount(id);
      driver().unmount(id);
      assertEquals("x", Files.readString(mounted.resolve("f")));
      driver().unmount(id);
    }

    @Test
    void mount_again_showsWhatWasWritten() throws IOException {
      String id = kit.readWriteLayer(kit.layer(null, file("f", "x")));
      kit.change(id, file("g", "y"), remove("f"));
      MountedTree mounted = kit.mount(id);
      try {
        assertEquals("y", Files.readString(mounted.resolve("g")));
        assertFalse(Files.exists(mounted.resolve("f")));
      } finally {
        driver().unmount(id);
      }
    }

    @Test
    void mount_afterReopen_showsWhatWasWritten() throws IOException {
      String id = kit.readWriteLayer(kit.layer(null, file("f", "x")));
      kit.change(id, file("g", "y"));
      kit.reopen();
      assertEquals(List.of("f", "g"), kit.paths(id));
      assertEquals("y", kit.content(id, "g"));
    }

    @Test
    void mount_persistent_outlivesTheDriver() throws IOException {
      kit.require(kit.traits().hasPersistentMounts(), "no mount outlives the process");
      String id = kit.readWriteLayer(kit.layer(null, file("f", "x")));
      Path path = driver().mount(id, MountOptions.persistent());
      kit.reopen();
      assertEquals("x", Files.readString(path.resolve("f")));
      driver().unmount(id);
    }

    @Test
    void mount_persistentWhereNoneCanBe_throws() throws IOException {
      kit.require(!kit.traits().hasPersistentMounts(), "mounts can be persistent");
      String id = kit.readWriteLayer(kit.layer(null, file("f", "x")));
      assertThrows(LayerStoreException.class, () -> driver().mount(id, MountOptions.persistent()));
    }

    @Test
    void mount_interrupted_isDoneAndStatusStays() throws IOException {
      String id = kit.readWriteLayer(kit.layer(null, file("f", "x")));
      Thread.currentThread().interrupt();
      Path path = driver().mount(id, MountOptions.DEFAULT);
      Path again = driver().mountReadOnly(id, MountOptions.DEFAULT);
      assertTrue(Thread.interrupted());
      assertEquals(path, again);
      Thread.currentThread().interrupt();
      driver().unmount(id);
      driver().unmount(id);
      assertTrue(Thread.interrupted());
      kit.change(id, file("g", "y"));
      assertEquals(List.of("f", "g"), kit.paths(id));
    }

    @Test
    void mount_missing_throws() {
      assertThrows(DriverException.class, () -> driver().mount("missing", MountOptions.DEFAULT));
    }
  }

  @Nested
  class Unmount {

    @Test
    void unmount_notMounted_doesNothing() throws IOException {
      String id = kit.readWriteLayer(kit.layer(null, file("f", "x")));
      driver().unmount(id);
      driver().unmount(id);
      MountedTree mounted = kit.mount(id);
      assertEquals("x", Files.readString(mounted.resolve("f")));
      driver().unmount(id);
    }

    @Test
    void unmount_last_undoesTheKernelMount() throws IOException {
      kit.require(kit.traits().hasKernelMounts(), "nothing is mounted in the kernel");
      String id = kit.readWriteLayer(kit.layer(null, file("f", "x")));
      MountedTree mounted = kit.mount(id);
      driver().unmount(id);
      assertFalse(Files.exists(mounted.resolve("f")));
    }

    @Test
    void unmount_busy_throwsAndKeepsMountAndCount() throws IOException {
      kit.require(kit.traits().hasKernelMounts(), "a mount of this driver is never busy");
      String id = kit.readWriteLayer(kit.layer(null, file("f", "x")));
      MountedTree mounted = kit.mount(id);
      try (InputStream open = Files.newInputStream(mounted.resolve("f"))) {
        assertThrows(MountBusyException.class, () -> driver().unmount(id));
        assertEquals('x', open.read());
      }
      assertEquals("x", Files.readString(mounted.resolve("f")));
      driver().unmount(id);
      assertFalse(Files.exists(mounted.resolve("f")));
    }

    @Test
    void unmountLazily_busy_isOutOfSightAndWhatIsOpenStays() throws IOException {
      kit.require(kit.traits().hasKernelMounts(), "a mount of this driver is never busy");
      String id = kit.readWriteLayer(kit.layer(null, file("f", "x")));
      MountedTree mounted = kit.mount(id);
      try (InputStream open = Files.newInputStream(mounted.resolve("f"))) {
        driver().unmountLazily(id);
        assertFalse(Files.exists(mounted.resolve("f")));
        assertEquals('x', open.read());
      }
    }

    @Test
    void unmountLazily_mountedTwice_keepsTheOtherMount() throws IOException {
      String id = kit.readWriteLayer(kit.layer(null, file("f", "x")));
      kit.mount(id);
      MountedTree mounted = kit.mount(id);
      driver().unmountLazily(id);
      assertEquals("x", Files.readString(mounted.resolve("f")));
      driver().unmountLazily(id);
    }
  }

  @Nested
  class Metadata {

    @Test
    void metadata_layer_saysWhereItIs() throws IOException {
      Map<String, String> metadata = driver().metadata(kit.layer(null, file("f", "x")));
      assertFalse(metadata.isEmpty());
      assertTrue(
          metadata.values().stream().anyMatch(value -> value.contains(kit.home().toString())),
          metadata.toString());
    }

    @Test
    void metadata_missing_throws() {
      assertThrows(DriverException.class, () -> driver().metadata("missing"));
    }
  }

  @Nested
  class OpenWriter extends EntryTests {

    @Override
    DriverKit kit() {
      return kit;
    }
  }

  @Nested
  class OpenWriterForWhiteouts extends WhiteoutTests {

    @Override
    DriverKit kit() {
      return kit;
    }
  }

  @Nested
  class OpenWriterBelowLinks extends LinkTests {

    @Override
    DriverKit kit() {
      return kit;
    }
  }

  @Nested
  class OpenWriterWithContext extends WriteContextTests {

    @Override
    DriverKit kit() {
      return kit;
    }
  }

  @Nested
  class FilesOfLayer extends FileGetterTests {

    @Override
    DriverKit kit() {
      return kit;
    }
  }

  @Nested
  class Tree extends LayerTreeTests {

    @Override
    DriverKit kit() {
      return kit;
    }
  }

  @Nested
  class Diff extends NativeDiffTests {

    @Override
    DriverKit kit() {
      return kit;
    }
  }

  @Nested
  class Threads {

    @Test
    void everyMethod_onDifferentIdsAtOnce_works() throws Exception {
      String base = kit.layer(null, dir("d"), file("d/base", "x"));
      ExecutorService threads = Executors.newFixedThreadPool(4);
      List<Callable<Void>> tasks = new ArrayList<>();
      for (int thread = 0; thread < 4; thread++) {
        String name = "t" + thread;
        tasks.add(
            () -> {
              for (int round = 0; round < 10; round++) {
                workOnOneLayer(base, name + "-" + round);
              }
              return null;
            });
      }
      try {
        for (Future<Void> future : threads.invokeAll(tasks)) {
          future.get();
        }
      } finally {
        threads.shutdownNow();
      }
      assertEquals(List.of(base), driver().ids());
      kit.assertShown(base);
    }

    private void workOnOneLayer(String base, String id) throws IOException {
      driver().create(id, base, CreateOptions.DEFAULT);
      kit.write(id, base, dir("d"), file("d/" + id, id), remove("d/base"));
      assertEquals(List.of("d", "d/" + id), kit.paths(id));
      Path mounted = driver().mount(id, MountOptions.DEFAULT);
      assertEquals(id, Files.readString(mounted.resolve("d").resolve(id)));
      driver().unmount(id);
      driver().remove(id);
      assertFalse(driver().exists(id));
    }
  }

  @Nested
  class Sync {

    @Test
    void sync_anyLayer_leavesItAsItIs() throws IOException {
      String parent = kit.layer(null, dir("d").mode(0), file("d/f", "x").mode(0), fifo("p"));
      String id = kit.layer(parent, symlink("l", kit.outside().toString()), symlink("m", "p"));
      driver().sync(parent);
      driver().sync(id);
      kit.assertShown(parent);
      kit.assertShown(id);
    }

    @Test
    void sync_missing_throws() {
      assertThrows(DriverException.class, () -> driver().sync("missing"));
    }
  }

  @Nested
  class Cleanup {

    @Test
    void cleanup_withLayers_keepsThem() throws IOException {
      String parent = kit.layer(null, dir("d"), file("d/f", "x"));
      String id = kit.layer(parent, chmod("d/f", 0600), chown("d", 5, 6));
      String rw = kit.readWriteLayer(id);
      kit.change(rw, file("g", "y"));
      driver().cleanup();
      kit.assertShown(parent);
      kit.assertShown(id);
      assertEquals(List.of("d", "d/f", "g"), kit.paths(rw));
    }

    @Test
    void cleanup_foreignFiles_areLeftAlone() throws IOException {
      Path foreign = kit.home().resolve("foreign");
      Files.createDirectory(foreign);
      Files.writeString(foreign.resolve("file"), "not yours");
      try {
        kit.driver().remove(kit.layer(null, file("f", "x")));
        driver().cleanup();
        kit.reopen();
        assertEquals("not yours", Files.readString(foreign.resolve("file")));
      } finally {
        Files.delete(foreign.resolve("file"));
        Files.delete(foreign);
      }
    }
  }

  @Nested
  class Close {

    @Test
    void close_twice_doesNothing() throws IOException {
      String id = kit.layer(null, file("f", "x"));
      driver().close();
      driver().close();
      kit.reopen();
      kit.assertShown(id);
    }

    @Test
    void close_mounted_unmounts() throws IOException {
      kit.require(kit.traits().hasKernelMounts(), "nothing is mounted in the kernel");
      String id = kit.readWriteLayer(kit.layer(null, file("f", "x")));
      MountedTree mounted = kit.mount(id);
      driver().close();
      assertFalse(Files.exists(mounted.resolve("f")));
    }

    @Test
    void close_busyMount_throwsAndClosesTheRest() throws IOException {
      kit.require(kit.traits().hasKernelMounts(), "a mount of this driver is never busy");
      String parent = kit.layer(null, file("f", "x"));
      String busy = kit.readWriteLayer(parent);
      String idle = kit.readWriteLayer(parent);
      MountedTree busyTree = kit.mount(busy);
      MountedTree idleTree = kit.mount(idle);
      try (InputStream open = Files.newInputStream(busyTree.resolve("f"))) {
        assertThrows(MountBusyException.class, () -> driver().close());
        assertFalse(Files.exists(idleTree.resolve("f")));
        assertEquals('x', open.read());
      }
      kit.reopen();
      driver().unmount(busy);
    }

    @Test
    void close_thenReopen_showsEveryLayerAsItWas() throws IOException {
      String parent =
          kit.layer(
              null,
              dir("d").mode(0700).owner(5, 6).time(TIME.plusNanos(5)),
              file("d/f", "x").mode(04755).owner(7, 8).xattr("user.a", "b"),
              symlink("l", "d/f").owner(9, 10),
              hardLink("h", "d/f").mode(04755).owner(7, 8).xattr("user.a", "b"));
      // With an entry for the directory: without one, a driver that does not see the parent makes
      // it
      // anew.
      String id =
          kit.layer(
              parent,
              dir("d").mode(0700).owner(5, 6).time(TIME.plusNanos(5)),
              remove("l"),
              chown("d/f", 1, 2));
      kit.reopen();
      kit.assertShown(parent);
      kit.assertShown(id);
    }
  }
}
