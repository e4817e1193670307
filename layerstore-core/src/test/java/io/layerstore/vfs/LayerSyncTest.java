package io.layerstore.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.Durability;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.DriverContext;
import io.layerstore.spi.GraphDriver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What forcing a layer to the disk costs; counted, never timed. */
final class LayerSyncTest {

  private static final int FEW = 10;
  private static final int MANY = 1000;

  /** The threshold, and the files of the directory that was begun. */
  private static final int MOST = 300;

  @TempDir private Path directory;

  /** How often a layer of so many files in directories of 100 forces something to the disk. */
  private long forces(int files) throws IOException {
    DriverContext context =
        DriverContext.builder(directory, directory.resolve("vfs"))
            .durability(Durability.FULL)
            .build();
    try (GraphDriver driver = new VfsDriverProvider().open(context)) {
      driver.create("a", null, CreateOptions.DEFAULT);
      Path layer = Path.of(String.valueOf(driver.metadata("a").get("SourceDir")));
      for (int i = 0; i < files; i++) {
        Path parent = Files.createDirectories(layer.resolve("d" + i / 100));
        Files.createFile(parent.resolve("f" + i));
      }
      Path file = directory.resolve("recording.jfr");
      try (Recording recording = new Recording()) {
        recording.enable("jdk.FileForce").withoutThreshold();
        recording.start();
        driver.sync("a");
        recording.stop();
        recording.dump(file);
      }
      return RecordingFile.readAllEvents(file).size();
    }
  }

  @Test
  void sync_fewFiles_forcesEachAndTheirDirectories() throws IOException {
    // The files, d0, the layer's own directory, and those that layers and their records are in.
    assertEquals(FEW + 4, forces(FEW));
  }

  @Test
  void sync_manyFiles_forcesTheFileSystemAndNotEach() throws Exception {
    Path program = Path.of("/usr/bin/sync");
    assumeTrue(
        Files.isExecutable(program)
            && new ProcessBuilder(program.toString(), "--file-system", directory.toString())
                    .start()
                    .waitFor()
                == 0,
        "needs a program sync that forces one file system");
    long forces = forces(MANY);
    assertTrue(forces <= MOST, () -> "forced " + forces + " times");
  }
}
