package io.layerstore.overlay2.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class MountHelperTest {

  @TempDir Path home;
  private LinuxCalls calls;

  @BeforeEach
  void makeLayers() throws IOException {
    calls = Helpers.calls();
    Helpers.makeLayer(home, "base", Helpers.link(1), false);
    Helpers.makeLayer(home, "top", Helpers.link(2), true);
    Files.writeString(home.resolve("base/diff/file"), "lower");
  }

  private MountSettings settings() throws IOException {
    return new MountSettings(!Helpers.isRoot(), true, true, true, 0, 0);
  }

  @Test
  void mount_readWrite_showsLowerAndTakesWrites() throws IOException {
    try (Mounts mounts = calls.openMounts(home, settings())) {
      assertEquals(
          MountApi.NEW, mounts.mount(OverlayMount.readWrite("top", List.of(Helpers.link(1)))));
      assertEquals("lower", Files.readString(mounts.merged("top").resolve("file")));
      Files.writeString(mounts.merged("top").resolve("new"), "upper");
      assertEquals("upper", Files.readString(home.resolve("top/diff/new")));
      mounts.unmount("top", false);
      assertFalse(Files.exists(home.resolve("top/merged")));
    }
  }

  @Test
  void mount_classic_showsLower() throws IOException {
    try (Mounts mounts = calls.openMounts(home, settings())) {
      mounts.mount(OverlayMount.readWrite("top", List.of(Helpers.link(1))).with(MountApi.CLASSIC));
      assertTrue(Files.exists(mounts.merged("top").resolve("file")));
    }
    assertFalse(Files.exists(home.resolve("top/merged")));
  }
}
