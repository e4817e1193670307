package io.layerstore.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.DriverNotSupportedException;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.StoreNotFoundException;
import io.layerstore.StoreOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Roots of engines and tools that are not this library's, in the shapes these write. */
final class ForeignRootTest {

  private static final String HASH = "0123456789abcdef".repeat(4);

  @TempDir private Path root;

  /** Files, and directories with a slash at the end, then what a person must be told. */
  static Stream<Arguments> roots() {
    return Stream.of(
        Arguments.of(
            "aufs",
            List.of(
                "aufs/diff/" + HASH + "/",
                "aufs/layers/" + HASH,
                "image/aufs/layerdb/sha256/" + HASH + "/diff",
                "image/aufs/imagedb/content/sha256/" + HASH,
                "containers/",
                "containerd/daemon/io.containerd.metadata.v1.bolt/"),
            "image/aufs with 1 layer and 1 image of the driver aufs"),
        Arguments.of(
            "devicemapper",
            List.of(
                "devicemapper/devicemapper/data",
                "devicemapper/metadata/base",
                "image/devicemapper/"),
            "image/devicemapper with 0 layers"),
        Arguments.of(
            "overlay",
            List.of("overlay/" + HASH + "/root/", "image/overlay/layerdb/sha256/" + HASH + "/"),
            "image/overlay with 1 layer"),
        Arguments.of(
            "overlay without metadata",
            List.of("overlay/" + HASH + "/root/"),
            "of the driver overlay"),
        Arguments.of(
            "windowsfilter",
            List.of(
                "windowsfilter/" + HASH + "/layerchain.json",
                "image/windowsfilter/layerdb/sha256/" + HASH + "/"),
            "image/windowsfilter with 1 layer"),
        Arguments.of(
            "btrfs whose volume is not mounted",
            List.of("btrfs/", "image/btrfs/layerdb/sha256/" + HASH + "/"),
            "image/btrfs with 1 layer"),
        Arguments.of(
            "dockerd with the containerd store",
            List.of(
                "buildkit/containerd-overlayfs/metadata_v2.db",
                "containerd/daemon/io.containerd.metadata.v1.bolt/meta.db",
                "containers/",
                "engine-id",
                "network/files/local-kv.db",
                "plugins/tmp/",
                "runtimes/",
                "swarm/",
                "tmp/",
                "volumes/metadata.db"),
            "containerd store"),
        Arguments.of(
            "dockerd with the store of the system's containerd",
            List.of(
                "buildkit/containerd-overlayfs/metadata_v2.db", "engine-id", "volumes/metadata.db"),
            "containerd store"),
        Arguments.of(
            "containerd",
            List.of(
                "io.containerd.content.v1.content/ingest/",
                "io.containerd.metadata.v1.bolt/meta.db",
                "tmpmounts/"),
            "root of a containerd"),
        Arguments.of(
            "podman, overlay",
            List.of(
                "overlay/l/",
                "overlay/" + HASH + "/diff/",
                "overlay-containers/containers.lock",
                "overlay-images/images.lock",
                "overlay-layers/layers.json",
                "storage.lock"),
            "containers-storage), driver overlay with 1 layer"),
        Arguments.of(
            "podman, vfs",
            List.of(
                "vfs/dir/" + HASH + "/etc/",
                "vfs-containers/containers.lock",
                "vfs-images/images.lock",
                "vfs-layers/layers.json",
                "storage.lock"),
            "containers-storage), driver vfs with 1 layer"),
        Arguments.of(
            "podman, btrfs",
            List.of(
                "btrfs/subvolumes/" + HASH + "/",
                "btrfs-images/images.json",
                "btrfs-layers/layers.json"),
            "containers-storage), driver btrfs"),
        Arguments.of(
            "somebody's files",
            List.of("a", "b", "c", "d", "e/f", "g", "h"),
            "other files: a, b, c, d, e and 2 more"),
        Arguments.of("a file called vfs", List.of("vfs"), "other files: vfs"),
        Arguments.of("a name that is no text for a terminal", List.of("\u001b[2J"), "\\x1b[2J"));
  }

  private void make(List<String> paths) throws IOException {
    for (String path : paths) {
      Path file = root.resolve(path);
      if (path.endsWith("/")) {
        Files.createDirectories(file);
      } else {
        Files.createDirectories(file.getParent());
        Files.writeString(file, "x");
      }
    }
  }

  private List<String> everything() throws IOException {
    try (Stream<Path> files = Files.walk(root)) {
      return files.map(file -> root.relativize(file).toString()).sorted().toList();
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("roots")
  void open_somebodyElsesRoot_refusedWithWhatIsThere(String what, List<String> paths, String told)
      throws IOException {
    make(paths);
    StoreNotFoundException e =
        assertThrows(StoreNotFoundException.class, () -> LayerStore.open(root));
    assertEquals(root, e.root());
    assertTrue(e.getMessage().contains(told), e.getMessage());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("roots")
  void open_somebodyElsesRoot_nothingIsMadeInIt(String what, List<String> paths, String told)
      throws IOException {
    make(paths);
    List<String> before = everything();
    for (StoreOptions.Creation creation :
        List.of(
            StoreOptions.Creation.NEVER,
            StoreOptions.Creation.IF_EMPTY,
            StoreOptions.Creation.IF_USED)) {
      assertThrows(
          StoreNotFoundException.class, () -> LayerStore.builder(root).create(creation).open());
    }
    assertEquals(before, everything());
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("roots")
  void open_somebodyElsesRootToRead_isNoEmptyStore(String what, List<String> paths, String told)
      throws IOException {
    make(paths);
    List<String> before = everything();
    assertThrows(
        StoreNotFoundException.class, () -> LayerStore.builder(root).readOnly(true).open());
    assertThrows(
        StoreNotFoundException.class,
        () -> LayerStore.builder(root).readOnly(true).driver("vfs").open());
    assertEquals(before, everything());
  }

  @Test
  void open_somebodyElsesRootWithTheDriverNamed_makesAStore() throws IOException {
    make(List.of("mine"));
    try (LayerStore store = LayerStore.builder(root).driver("vfs").open()) {
      assertEquals(List.of(), store.layers());
    }
    try (LayerStore again = LayerStore.open(root)) {
      assertEquals("vfs", again.driverName());
    }
  }

  @Test
  void open_somebodyElsesRootAnywhere_makesAStore() throws IOException {
    make(List.of("mine"));
    LayerStore.builder(root).create(StoreOptions.Creation.ANYWHERE).open().close();
    LayerStore.open(root).close();
    assertEquals("x", Files.readString(root.resolve("mine")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "lost+found/x",
        "layerstore.lock",
        "overlay2/",
        "vfs/",
        "btrfs/",
        "image/",
        "tmp/"
      })
  void open_nothingThatAnybodyWouldMiss_makesAStore(String path) throws IOException {
    make(List.of(path));
    LayerStore.open(root).close();
    LayerStore.builder(root).create(StoreOptions.Creation.NEVER).open().close();
  }

  @Test
  void open_storeBesideOthersThings_isOpened() throws IOException {
    LayerStore.builder(root).driver("vfs").open().close();
    make(List.of("mine", "aufs/diff/x", "image/aufs/x", "containerd/daemon/x", "overlay-layers/x"));
    try (LayerStore store = LayerStore.open(root)) {
      assertEquals("vfs", store.driverName());
    }
  }

  @Test
  void open_databaseWithoutTheDriversHome_isThatDriversStore() throws IOException {
    make(List.of("image/vfs/layerdb/", "engine-id"));
    try (LayerStore store = LayerStore.open(root)) {
      assertEquals("vfs", store.driverName());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"btrfs", "zfs", "fuse-overlayfs"})
  void open_driverThatIsNotInstalled_refusedWithWhatItHas(String driver) throws IOException {
    make(List.of(driver + "/x", "image/" + driver + "/layerdb/sha256/" + HASH + "/"));
    List<String> before = everything();
    DriverNotSupportedException e =
        assertThrows(DriverNotSupportedException.class, () -> LayerStore.open(root));
    assertTrue(e.getMessage().contains("image/" + driver + " with 1 layer"), e.getMessage());
    assertEquals(before, everything());
  }

  @Test
  void open_twoDrivers_refusedAndNothingIsMade() throws IOException {
    make(List.of("btrfs/x", "zfs/x"));
    List<String> before = everything();
    assertThrows(LayerStoreException.class, () -> LayerStore.open(root));
    assertEquals(before, everything());
  }

  @Test
  void open_unknownDriver_leavesNothing() throws IOException {
    assertThrows(
        DriverNotSupportedException.class,
        () -> LayerStore.builder(root.resolve("new")).driver("nosuch").open());
    assertEquals(List.of(""), everything());
  }
}
