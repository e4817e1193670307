package io.layerstore.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import io.layerstore.DriverException;
import io.layerstore.DriverNotSupportedException;
import io.layerstore.Durability;
import io.layerstore.LayerStoreException;
import io.layerstore.StoreNotFoundException;
import io.layerstore.StoreOptions;
import io.layerstore.core.DriverSelector.Selection;
import io.layerstore.spi.DriverContext;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.GraphDriverProvider;
import io.layerstore.spi.ProbeResult;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class DriverSelectorTest {

  @TempDir private Path root;

  /** A driver that exists in name only. */
  private static final class FakeProvider implements GraphDriverProvider {
    private final String name;
    private final List<DriverContext> opened = new ArrayList<>();
    private String unsupported;
    private LayerStoreException failure;
    private int probes;

    FakeProvider(String name) {
      this.name = name;
    }

    FakeProvider unsupported(String reason) {
      unsupported = reason;
      return this;
    }

    FakeProvider failing(LayerStoreException e) {
      failure = e;
      return this;
    }

    @Override
    public String name() {
      return name;
    }

    @Override
    public ProbeResult probe(DriverContext context) {
      probes++;
      return unsupported == null
          ? ProbeResult.supported("tried " + name)
          : ProbeResult.unsupported(unsupported);
    }

    @Override
    public GraphDriver open(DriverContext context) throws LayerStoreException {
      if (failure != null) {
        throw failure;
      }
      if (unsupported != null) {
        throw new DriverNotSupportedException(name, unsupported);
      }
      opened.add(context);
      return (GraphDriver)
          Proxy.newProxyInstance(
              FakeProvider.class.getClassLoader(),
              new Class<?>[] {GraphDriver.class},
              (proxy, method, arguments) -> name);
    }
  }

  private static StoreOptions options(Path root, String driver) {
    return StoreOptions.builder(root)
        .driver(driver)
        .driverOption("k", "v")
        .durability(Durability.METADATA)
        .build();
  }

  private static FakeProvider provider(String name) {
    return new FakeProvider(name);
  }

  private Selection select(String driver, GraphDriverProvider... providers)
      throws LayerStoreException {
    return DriverSelector.select(options(root, driver), List.of(providers));
  }

  private void makeState(String directory) throws IOException {
    Files.createDirectories(root.resolve(directory).resolve("something"));
  }

  @Nested
  final class Named {

    @Test
    void select_named_opensThatOneWithTheOptions() throws IOException {
      FakeProvider vfs = provider("vfs");
      Selection selection = select("vfs", provider("overlay2"), vfs);
      assertEquals("vfs", selection.driver().name());
      assertEquals("vfs", selection.choice().driver());
      DriverContext context = vfs.opened.get(0);
      assertEquals(root, context.root());
      assertEquals(root.resolve("vfs"), context.home());
      assertEquals(Map.of("k", "v"), context.options());
      assertEquals(Durability.METADATA, context.durability());
    }

    @Test
    void select_named_priorStateOfOthersDoesNotCount() throws IOException {
      makeState("overlay2");
      makeState("zfs");
      assertEquals("vfs", select("vfs", provider("overlay2"), provider("vfs")).choice().driver());
    }

    @ParameterizedTest
    @ValueSource(strings = {"aufs", "devicemapper", "overlay"})
    void select_removedDriver_isRefusedInDockersWords(String name) {
      DriverException e =
          assertThrows(DriverException.class, () -> select(name, provider("vfs"), provider(name)));
      assertTrue(
          e.getMessage()
              .contains(
                  "[graphdriver] ERROR: the "
                      + name
                      + " storage-driver has been deprecated and removed; visit"
                      + " https://docs.docker.com/go/storage-driver/ for more information"),
          e.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"nosuch", "", "../x", "btrfs"})
    void select_unknownName_isNotSupported(String name) {
      DriverNotSupportedException e =
          assertThrows(DriverNotSupportedException.class, () -> select(name, provider("vfs")));
      assertTrue(e.getMessage().contains("driver not supported"), e.getMessage());
      assertTrue(e.getMessage().contains("vfs"), e.getMessage());
    }

    @Test
    void select_namedFails_isItsError() {
      DriverException failure = new DriverException("overlay2", null, "broken", null);
      assertSame(
          failure,
          assertThrows(
              DriverException.class,
              () -> select("overlay2", provider("overlay2").failing(failure), provider("vfs"))));
    }
  }

  @Nested
  final class Prior {

    @Test
    void select_onePrior_isTaken() throws IOException {
      makeState("other");
      Selection selection = select(null, provider("overlay2"), provider("other"), provider("vfs"));
      assertEquals("other", selection.choice().driver());
      assertTrue(selection.choice().reason().contains("already"), selection.choice().reason());
    }

    @Test
    void select_emptyHome_doesNotCount() throws IOException {
      Files.createDirectory(root.resolve("other"));
      Files.createDirectory(root.resolve("zfs"));
      assertEquals(
          "overlay2", select(null, provider("overlay2"), provider("other")).choice().driver());
    }

    @Test
    void select_fileInPlaceOfAHome_isSomebodyElses() throws IOException {
      Files.writeString(root.resolve("other"), "x");
      assertThrows(
          StoreNotFoundException.class,
          () -> select(null, provider("overlay2"), provider("other")));
    }

    @Test
    void select_twoPriors_isDockersErrorThatNamesBoth() throws IOException {
      makeState("overlay2");
      makeState("btrfs");
      FakeProvider overlay2 = provider("overlay2");
      DriverException e =
          assertThrows(
              DriverException.class,
              () -> select(null, overlay2, provider("btrfs"), provider("vfs")));
      assertTrue(
          e.getMessage()
              .contains(
                  root
                      + " contains several valid graphdrivers: btrfs, overlay2; cleanup or"
                      + " explicitly choose storage driver (-s <DRIVER>)"),
          e.getMessage());
      assertEquals(List.of(), overlay2.opened);
    }

    @Test
    void select_priorFails_isItsErrorWithoutFallback() throws IOException {
      makeState("overlay2");
      FakeProvider vfs = provider("vfs");
      DriverNotSupportedException e =
          assertThrows(
              DriverNotSupportedException.class,
              () -> select(null, provider("overlay2").unsupported("no kernel support"), vfs));
      assertEquals("no kernel support", e.reason());
      assertEquals(List.of(), vfs.opened);
    }

    @ParameterizedTest
    @ValueSource(strings = {"btrfs", "zfs", "fuse-overlayfs", "overlay2"})
    void select_priorThatIsNotInstalled_isAnErrorThatNamesIt(String name) throws IOException {
      makeState(name);
      FakeProvider vfs = provider("vfs");
      DriverNotSupportedException e =
          assertThrows(DriverNotSupportedException.class, () -> select(null, vfs));
      assertEquals(name, e.driver());
      assertTrue(e.getMessage().contains("not installed"), e.getMessage());
      assertEquals(List.of(), vfs.opened);
    }

    @Test
    void select_priorBesideVfsState_isTakenAndSaysSo() throws IOException {
      makeState("overlay2");
      makeState("vfs/dir");
      Selection selection = select(null, provider("overlay2"), provider("vfs"));
      assertEquals("overlay2", selection.choice().driver());
      assertTrue(selection.choice().rejected().containsKey("vfs"));
    }
  }

  @Nested
  final class Vfs {

    @ParameterizedTest
    @ValueSource(strings = {"vfs/dir", "image/vfs/layerdb"})
    void select_vfsHasState_isTakenBeforeASupportedOverlay2(String directory) throws IOException {
      makeState(directory);
      Selection selection = select(null, provider("overlay2"), provider("vfs"));
      assertEquals("vfs", selection.choice().driver());
      assertTrue(selection.choice().reason().contains("already"), selection.choice().reason());
    }

    @ParameterizedTest
    @ValueSource(strings = {"vfs/dir", "image/vfs/layerdb"})
    void select_vfsWithoutLayers_isNotJoinedByAStoreOfAnother(String directory) throws IOException {
      Files.createDirectories(root.resolve(directory));
      assertEquals("vfs", select(null, provider("overlay2"), provider("vfs")).choice().driver());
    }

    @Test
    void select_rootInMemory_isVfsWithoutAskingOthers() throws IOException {
      try (FileSystem memory = Jimfs.newFileSystem(Configuration.unix())) {
        FakeProvider overlay2 = provider("overlay2");
        Selection selection =
            DriverSelector.select(
                options(memory.getPath("/root"), null), List.of(overlay2, provider("vfs")));
        assertEquals("vfs", selection.choice().driver());
        assertTrue(
            selection.choice().reason().contains("default file system"),
            selection.choice().reason());
        assertEquals(0, overlay2.probes);
      }
    }
  }

  @Nested
  final class FirstSupported {

    @Test
    void select_freshRoot_goesByPriorityThenName() throws IOException {
      assertEquals(
          "overlay2",
          select(null, provider("a"), provider("vfs"), provider("overlay2")).choice().driver());
      assertEquals("vfs", select(null, provider("a"), provider("vfs")).choice().driver());
      assertEquals("a", select(null, provider("b"), provider("a")).choice().driver());
    }

    @Test
    void select_unsupported_isPassedOverWithItsReason() throws IOException {
      Selection selection =
          select(null, provider("overlay2").unsupported("no kernel support"), provider("vfs"));
      assertEquals("vfs", selection.choice().driver());
      assertEquals(Map.of("overlay2", "no kernel support"), selection.choice().rejected());
    }

    @Test
    void select_probedButNotSupportedAtOpen_isPassedOver() throws IOException {
      FakeProvider overlay2 =
          provider("overlay2").failing(new DriverNotSupportedException("overlay2", "no d_type"));
      Selection selection = select(null, overlay2, provider("vfs"));
      assertEquals("vfs", selection.choice().driver());
      assertEquals(Map.of("overlay2", "no d_type"), selection.choice().rejected());
    }

    @Test
    void select_otherFailureAtOpen_isFinal() {
      DriverException failure = new DriverException("overlay2", null, "unknown option k", null);
      FakeProvider vfs = provider("vfs");
      assertSame(
          failure,
          assertThrows(
              DriverException.class,
              () -> select(null, provider("overlay2").failing(failure), vfs)));
      assertEquals(List.of(), vfs.opened);
    }

    @Test
    void select_noneSupported_isDockersErrorWithAllReasons() {
      DriverException e =
          assertThrows(
              DriverException.class,
              () ->
                  select(
                      null,
                      provider("overlay2").unsupported("no kernel support"),
                      provider("vfs").unsupported("no disk")));
      assertTrue(e.getMessage().contains("no supported storage driver found"), e.getMessage());
      assertTrue(e.getMessage().contains("no kernel support"), e.getMessage());
      assertTrue(e.getMessage().contains("no disk"), e.getMessage());
    }

    @Test
    void select_noProviders_isTheSameError() {
      DriverException e = assertThrows(DriverException.class, () -> select(null));
      assertTrue(e.getMessage().contains("no supported storage driver found"), e.getMessage());
    }

    @Test
    void select_twoOfOneName_takesTheFirst() throws IOException {
      FakeProvider first = provider("vfs");
      FakeProvider second = provider("vfs");
      select(null, first, second);
      assertEquals(1, first.opened.size());
      assertEquals(0, second.opened.size());
    }
  }
}
