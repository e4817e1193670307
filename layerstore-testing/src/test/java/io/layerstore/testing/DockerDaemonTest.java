package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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

  @ParameterizedTest
  @ValueSource(
      strings = {
        "time=\"t\" level=error msg=\"Failed to load container mount x: mount does not exist\"",
        "time=\"t\" level=warning msg=\"not restoring image\" error=\"invalid\" id=x",
        "time=\"t\" level=debug msg=\"Failed to load layer sha256:x: y\"",
        "time=\"t\" level=error msg=\"failed to process event\" module=libcontainerd",
        "time=\"t\" level=error msg=\"failed connecting to containerd\" module=another",
        "time=\"t\" level=fatal msg=\"no\""
      })
  void isComplaint_faultWithTheDataRoot_isTrue(String line) {
    assertTrue(DockerDaemon.isComplaint(line));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "time=\"t\" level=warning msg=\"Your kernel does not support cgroup blkio weight\"",
        "time=\"t\" level=error msg=\"failed connecting to containerd\" error=\"e\" module=libcontainerd",
        "time=\"t\" level=error msg=\"Failed to get event\" error=\"e\" module=libcontainerd",
        "time=\"t\" level=info msg=\"API listen on /x/s\""
      })
  void isComplaint_aboutTheMachine_isFalse(String line) {
    assertFalse(DockerDaemon.isComplaint(line));
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
