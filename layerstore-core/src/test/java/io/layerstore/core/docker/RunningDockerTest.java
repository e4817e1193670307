package io.layerstore.core.docker;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.layerstore.LayerStore;
import io.layerstore.StoreLockedException;
import io.layerstore.testing.Tool;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A root whose databases are locked as a dockerd 20.10 was seen to lock them. */
final class RunningDockerTest {

  @TempDir Path root;

  private Tool flock;

  @BeforeEach
  void findTool() {
    flock = Tool.require("flock");
  }

  private Process lock(String database) throws Exception {
    Path file = root.resolve(database);
    Files.createDirectories(file.getParent());
    Files.createFile(file);
    Process process =
        new ProcessBuilder(
                flock.program().toString(), file.toString(), "sh", "-c", "echo locked; cat")
            .start();
    assertEquals("locked", process.inputReader().readLine());
    return process;
  }

  private static void end(Process process) throws Exception {
    process.getOutputStream().close();
    process.waitFor();
  }

  @Test
  void open_databaseOfVolumesIsLocked_isRefusedForWriting() throws Exception {
    LayerStore.builder(root).driver("vfs").open().close();
    Process docker = lock("volumes/metadata.db");

    StoreLockedException e =
        assertThrows(
            StoreLockedException.class, () -> LayerStore.builder(root).driver("vfs").open());
    assertTrue(e.getMessage().contains("dockerd"), e.getMessage());
    LayerStore.builder(root).driver("vfs").readOnly(true).open().close();
    end(docker);
    LayerStore.builder(root).driver("vfs").open().close();
  }

  @Test
  void requireNone_databaseOfBuildKitIsLocked_isRefused() throws Exception {
    Process docker = lock("buildkit/cache.db");

    assertThrows(StoreLockedException.class, () -> RunningDocker.requireNone(root));
    end(docker);
  }

  @Test
  void requireNone_databaseThatNobodyHasLocked_isAccepted() throws Exception {
    end(lock("volumes/metadata.db"));

    RunningDocker.requireNone(root);
  }
}
