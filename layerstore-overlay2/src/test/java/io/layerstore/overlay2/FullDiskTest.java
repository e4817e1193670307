package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ChainId;
import io.layerstore.Image;
import io.layerstore.ImageReference;
import io.layerstore.ImportOptions;
import io.layerstore.Layer;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.PruneOptions;
import io.layerstore.RegisterOptions;
import io.layerstore.StoreLockedException;
import io.layerstore.testing.Machine;
import io.layerstore.testing.ScratchDirectory;
import io.layerstore.testing.TarBuilder;
import io.layerstore.testing.Tool;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A store on an ext4 that has no block or no inode left, each time opened when that is so. */
final class FullDiskTest {

  private static final long DISK_BYTES = 16 << 20;
  private static final byte[] BASE =
      new TarBuilder().directory("etc").file("etc/a", "1").end().toBytes();
  private static final byte[] OTHER = new TarBuilder().file("other", "2").end().toBytes();
  private static final byte[] THIRD = new TarBuilder().file("third", "3").end().toBytes();
  private static final ImageReference NAME = ImageReference.parse("image:1");

  /** What there is none left of. */
  enum Want {
    BLOCKS,
    INODES
  }

  private ScratchDirectory scratch;
  private Path place;
  private Path root;
  private ChainId other;

  @BeforeEach
  void mount() throws Exception {
    Machine.requireRoot();
    scratch = ScratchDirectory.create();
    Overlay2Testing.assumeSupported(scratch.path());
    place = Files.createDirectory(scratch.resolve("place"));
    root = place.resolve("store");
    Path disk = scratch.resolve("disk");
    try (FileChannel file =
        FileChannel.open(disk, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      file.write(ByteBuffer.allocate(1), DISK_BYTES - 1);
    }
    // Without blocks kept back for root.
    Tool.require("mkfs.ext4").run("-q", "-m", "0", "-N", "256", disk);
    Tool.Result mounted = Tool.require("mount").attempt("-o", "loop", disk, place);
    assumeTrue(mounted.status() == 0, "needs loop devices: " + mounted);
  }

  @AfterEach
  void unmount() throws Exception {
    if (place != null) {
      Tool.require("umount").attempt("--lazy", place);
    }
    if (scratch != null) {
      scratch.close();
    }
  }

  /** A store with an image and a read-write layer on it, and a layer of no image. */
  private void makeStore(String driver) throws IOException {
    try (LayerStore store = LayerStore.builder(root).driver(driver).open();
        Layer layer = store.register(LayerSource.of(OTHER), RegisterOptions.DEFAULT)) {
      other = layer.chainId();
      Image image =
          store
              .images()
              .importRootFs(LayerSource.of(BASE), ImportOptions.builder().reference(NAME).build());
      store.images().references().addTag(ImageReference.parse("more:1"), image.id(), false);
      store.createRWLayer("rw", other).close();
    }
  }

  private void fill(Want want) throws IOException {
    try {
      for (int i = 0; want == Want.INODES; i++) {
        Files.createFile(place.resolve("file" + i));
      }
      for (int size : List.of(1 << 20, 4096, 1024, 1)) {
        fillWith(size);
      }
    } catch (IOException e) {
      assertEquals(Want.INODES, want);
    }
  }

  private void fillWith(int bytes) throws IOException {
    try (FileChannel file =
        FileChannel.open(
            place.resolve("file"), StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
      while (true) {
        file.write(ByteBuffer.allocate(bytes));
        file.force(true);
      }
    } catch (IOException e) {
      // As full as it gets with pieces of this size.
      return;
    }
  }

  private LayerStore openFull(String driver, Want want) throws IOException {
    makeStore(driver);
    fill(want);
    LayerStore store = LayerStore.open(root);
    assertEquals(driver, store.driverName());
    return store;
  }

  @ParameterizedTest
  @CsvSource({"overlay2, BLOCKS", "overlay2, INODES", "vfs, BLOCKS", "vfs, INODES"})
  void removeName_fullDisk_works(String driver, Want want) throws IOException {
    try (LayerStore store = openFull(driver, want)) {
      store.images().references().remove(NAME);
    }
    try (LayerStore store = LayerStore.open(root)) {
      assertEquals(1, store.images().references().list().size());
    }
  }

  @ParameterizedTest
  @CsvSource({"overlay2, BLOCKS", "overlay2, INODES", "vfs, BLOCKS", "vfs, INODES"})
  void deleteImage_fullDisk_works(String driver, Want want) throws IOException {
    try (LayerStore store = openFull(driver, want)) {
      assertEquals(1, store.images().delete(store.images().resolve("image:1").id(), true).size());
    }
    try (LayerStore store = LayerStore.open(root)) {
      assertEquals(List.of(), store.images().list());
      assertEquals(1, store.layers().size());
    }
  }

  @ParameterizedTest
  @CsvSource({"overlay2, BLOCKS", "overlay2, INODES", "vfs, BLOCKS", "vfs, INODES"})
  void releaseRWLayer_fullDisk_works(String driver, Want want) throws IOException {
    try (LayerStore store = openFull(driver, want)) {
      assertEquals(1, store.releaseRWLayer(store.getRWLayer("rw")).size());
    }
    try (LayerStore store = LayerStore.open(root)) {
      assertEquals(List.of(), store.rwLayers());
    }
  }

  @ParameterizedTest
  @CsvSource({"overlay2, BLOCKS", "overlay2, INODES", "vfs, BLOCKS", "vfs, INODES"})
  void prune_fullDisk_works(String driver, Want want) throws IOException {
    try (LayerStore store = openFull(driver, want)) {
      store.images().prune(store.images().planPrune(PruneOptions.EVERYTHING_UNUSED));
    }
    try (LayerStore store = LayerStore.open(root)) {
      assertEquals(List.of(), store.images().list());
      assertEquals(other, store.layers().get(0).chainId());
    }
  }

  @ParameterizedTest
  @CsvSource({"overlay2, BLOCKS", "overlay2, INODES", "vfs, BLOCKS", "vfs, INODES"})
  void register_fullDisk_failsAndWorksOnceThereIsSpace(String driver, Want want)
      throws IOException {
    try (LayerStore store = openFull(driver, want)) {
      assertThrows(
          LayerStoreException.class,
          () -> store.register(LayerSource.of(THIRD), RegisterOptions.DEFAULT));
      store.releaseRWLayer(store.getRWLayer("rw"));
      try (DirectoryStream<Path> files = Files.newDirectoryStream(place, "file*")) {
        for (Path file : files) {
          Files.delete(file);
        }
      }
      try (Layer layer = store.register(LayerSource.of(THIRD), RegisterOptions.DEFAULT);
          InputStream archive = layer.tarStream()) {
        assertEquals(THIRD.length, archive.readAllBytes().length);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"overlay2", "vfs"})
  void open_noInodeForTheFirstLockFile_takesThatOfTheEmptyTemporaryDirectory(String driver)
      throws IOException {
    makeStore(driver);
    Files.delete(root.resolve("layerstore.lock"));
    Files.createDirectories(root.resolve("tmp"));
    fill(Want.INODES);
    try (LayerStore store = LayerStore.open(root)) {
      store.images().delete(store.images().resolve("image:1").id(), true);
      assertThrows(StoreLockedException.class, () -> LayerStore.open(root));
    }
  }
}
