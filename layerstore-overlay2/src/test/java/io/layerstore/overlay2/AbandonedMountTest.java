package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.RecoveryReport;
import io.layerstore.RecoveryReport.Kind;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.GraphDriver;
import io.layerstore.testing.Machine;
import io.layerstore.testing.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Mounts that are there when a store is opened: whose they are decides what becomes of them. */
final class AbandonedMountTest {

  private static final String OF_A_STORE = "layerstore";
  private static final String OF_DOCKERD = "overlay";

  @TempDir Path root;
  private Path merged;
  private GraphDriver driver;

  @BeforeEach
  void makeLayers() throws IOException {
    Machine.requireRoot();
    Overlay2Testing.assumeSupported(root);
    open();
    driver.create("base", null, CreateOptions.DEFAULT);
    driver.createReadWrite("rw", "base", CreateOptions.DEFAULT);
    driver.close();
    merged = Files.createDirectory(root.resolve("overlay2/rw/merged"));
  }

  @AfterEach
  void closeDriver() throws Exception {
    if (driver != null) {
      driver.close();
    }
    if (merged != null && !Overlay2Testing.mountsBelow(root).isEmpty()) {
      Tool.require("umount").run("-l", merged);
    }
  }

  private void open() throws IOException {
    driver = new Overlay2DriverProvider().open(Overlay2Testing.context(root));
  }

  /** What a process that is gone has left. */
  private void mount(String source) throws Exception {
    Path home = root.resolve("overlay2");
    String options =
        "lowerdir=%s,upperdir=%s,workdir=%s"
            .formatted(home.resolve("base/diff"), home.resolve("rw/diff"), home.resolve("rw/work"));
    int status =
        Tool.require("mount").attempt("-t", "overlay", source, "-o", options, merged).status();
    assumeTrue(status == 0, "overlay cannot be mounted by hand");
  }

  @Test
  void open_mountOfAStore_isUndoneAndReported() throws Exception {
    mount(OF_A_STORE);
    open();
    assertEquals(List.of(), Overlay2Testing.mountsBelow(root));
    assertFalse(Files.exists(merged));
    assertEquals(1, driver.recoveryReport().of(Kind.DRIVER_REPAIR).size());
  }

  @Test
  void open_mountOfDockerd_stays() throws Exception {
    mount(OF_DOCKERD);
    open();
    driver.cleanup();
    assertEquals(1, Overlay2Testing.mountsBelow(root).size());
    assertTrue(driver.recoveryReport().isClean());
  }

  @Test
  void open_mountOfAStoreInUse_staysUntilACleanupCanUndoIt() throws Exception {
    mount(OF_A_STORE);
    Process user =
        new ProcessBuilder("sh", "-c", "echo; read end").directory(merged.toFile()).start();
    try {
      assertEquals('\n', user.getInputStream().read());
      open();
      assertEquals(1, Overlay2Testing.mountsBelow(root).size());
      List<RecoveryReport.Finding> postponed = driver.recoveryReport().of(Kind.POSTPONED);
      assertEquals(1, postponed.size());
      String detail = postponed.get(0).detail();
      assertTrue(detail.contains("process " + user.pid()), detail);
    } finally {
      user.getOutputStream().close();
      user.waitFor();
    }
    driver.cleanup();
    assertEquals(List.of(), Overlay2Testing.mountsBelow(root));
    assertFalse(Files.exists(merged));
  }
}
