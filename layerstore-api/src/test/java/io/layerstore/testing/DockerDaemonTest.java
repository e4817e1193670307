package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The daemon fixture: it starts, it answers, and it leaves nothing behind. */
class DockerDaemonTest {

  private ScratchDirectory root;

  @BeforeEach
  void createRoot() throws Exception {
    root = ScratchDirectory.create();
  }

  @AfterEach
  void deleteRoot() throws Exception {
    root.close();
  }

  @Test
  void stop_afterAContainerRan_leavesNoProcessAndNoMount() throws Exception {
    try (DockerDaemon daemon = DockerDaemon.start(root.path(), "vfs")) {
      importBusybox(daemon);
      assertEquals("hello", daemon.docker("run", "--network=none", "box", "echo", "hello").text());

      daemon.stop();

      assertNothingLeft();
    }
  }

  @Test
  void kill_whileAContainerRuns_leavesNoProcessAndNoMount() throws Exception {
    try (DockerDaemon daemon = DockerDaemon.start(root.path(), "vfs")) {
      importBusybox(daemon);
      daemon.docker("run", "--detach", "--network=none", "box", "sleep", "600");

      daemon.kill();

      assertNothingLeft();
    }
  }

  private void importBusybox(DockerDaemon daemon) throws Exception {
    Path tar = root.resolve("box.tar");
    Busybox.writeRootTo(tar);
    daemon.docker("import", tar, "box");
  }

  private void assertNothingLeft() throws Exception {
    String mounts = Files.readString(Path.of("/proc/self/mountinfo"));
    assertFalse(mounts.contains(root.path().toString()), mounts);
    assertTrue(
        ProcessHandle.allProcesses()
            .noneMatch(p -> p.info().commandLine().orElse("").contains(root.path().toString())));
  }
}
