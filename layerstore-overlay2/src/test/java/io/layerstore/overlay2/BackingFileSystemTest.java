package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.DriverNotSupportedException;
import io.layerstore.DriverStatus;
import io.layerstore.LayerStore;
import io.layerstore.spi.ProbeResult;
import io.layerstore.testing.Machine;
import io.layerstore.testing.Tool;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Stores on file systems of other kinds than that of the tests. */
final class BackingFileSystemTest {

  private static final long IMAGE_BYTES = 32 << 20;

  @TempDir Path directory;
  private Path place;

  @BeforeEach
  void requireRoot() throws Exception {
    Machine.requireRoot();
    Overlay2Testing.assumeSupported(directory);
    place = Files.createDirectory(directory.resolve("place"));
  }

  /** What is done on the other file system. */
  private interface Work {
    void run() throws Exception;
  }

  private void whileMounted(List<Object> arguments, Work work) throws Exception {
    Object[] all = Stream.concat(arguments.stream(), Stream.of(place)).toArray();
    Tool.Result mount = Tool.require("mount").attempt(all);
    assumeTrue(mount.status() == 0, mount::toString);
    try {
      work.run();
    } finally {
      Tool.require("umount").run("--lazy", place);
    }
  }

  private ProbeResult probe() {
    return new Overlay2DriverProvider().probe(Overlay2Testing.context(place.resolve("store")));
  }

  private void assertAnotherDriverIsChosen(String reason) throws Exception {
    assertTrue(probe().detail().contains(reason), () -> probe().detail());
    assertFalse(probe().isSupported());
    Path root = place.resolve("store");
    assertThrows(
        DriverNotSupportedException.class,
        () -> LayerStore.builder(root).driver("overlay2").open().close());
    try (LayerStore store = LayerStore.open(root)) {
      assertEquals("vfs", store.driverName());
      String why = store.driverChoice().rejected().get("overlay2");
      assertTrue(why.contains(reason), why);
    }
  }

  @Test
  void open_directoriesDoNotTellTypes_isUnsupportedAndSaysWhatIsMissing() throws Exception {
    Path image = directory.resolve("image");
    try (FileChannel file =
        FileChannel.open(image, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      file.write(ByteBuffer.allocate(1), IMAGE_BYTES - 1);
    }
    Tool.require("mkfs.ext4").run("-q", "-O", "^filetype", image);
    whileMounted(
        List.of("-o", "loop", image),
        () -> assertAnotherDriverIsChosen("ext4 the feature filetype"));
  }

  @Test
  void open_onOverlay_isUnsupportedAndSaysWhatTheKernelSaid() throws Exception {
    for (String name : List.of("lower", "upper", "work")) {
      Files.createDirectory(directory.resolve(name));
    }
    String options =
        "lowerdir=%1$s/lower,upperdir=%1$s/upper,workdir=%1$s/work".formatted(directory);
    whileMounted(
        List.of("-t", "overlay", "-o", options, "none"),
        () -> assertAnotherDriverIsChosen("overlay mount: no ("));
  }

  @Test
  void open_onTmpfs_worksAndIsCalledByItsName() throws Exception {
    whileMounted(
        List.of("-t", "tmpfs", "none"),
        () -> {
          ProbeResult probe = probe();
          assumeTrue(probe.isSupported(), probe.detail());
          Path root = place.resolve("store");
          try (LayerStore store = LayerStore.open(root)) {
            assertEquals("overlay2", store.driverName());
            assertTrue(
                store
                    .driverStatus()
                    .facts()
                    .contains(new DriverStatus.Fact("Backing Filesystem", "tmpfs")));
          }
        });
  }
}
