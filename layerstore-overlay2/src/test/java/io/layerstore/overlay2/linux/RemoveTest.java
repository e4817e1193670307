package io.layerstore.overlay2.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.MountBusyException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class RemoveTest {

  @TempDir Path home;
  private LinuxCalls calls;

  @BeforeEach
  void makeCalls() throws IOException {
    calls = Helpers.calls();
  }

  @Test
  void remove_tree_isGoneWithEverythingInIt() throws IOException {
    Path directory = Files.createDirectories(home.resolve("layer/diff/a/b"));
    for (int i = 0; i < 1000; i++) {
      Files.createFile(directory.resolve("file" + i));
      Files.createDirectories(home.resolve("layer/diff/d" + i + "/e"));
    }
    calls.remove(home, "layer");
    assertFalse(Files.exists(home.resolve("layer")));
  }

  @Test
  void remove_nothingThere_isNoError() throws IOException {
    calls.remove(home, "missing");
  }

  @Test
  void remove_links_areNotFollowed() throws IOException {
    Path canary = Files.createDirectory(home.resolve("canary"));
    Files.writeString(canary.resolve("file"), "untouched");
    Files.createDirectories(home.resolve("layer/diff"));
    Files.createSymbolicLink(home.resolve("layer/diff/link"), canary);
    Files.createSymbolicLink(home.resolve("other"), canary);
    calls.remove(home, "layer");
    calls.remove(home, "other");
    assertFalse(Files.exists(home.resolve("layer")));
    assertEquals("untouched", Files.readString(canary.resolve("file")));
  }

  @Test
  void remove_directoriesWithoutRights_areGone() throws IOException {
    Path closed = Files.createDirectories(home.resolve("layer/work/work"));
    Files.createFile(closed.resolve("file"));
    Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("---------"));
    calls.remove(home, "layer");
    assertFalse(Files.exists(home.resolve("layer")));
  }

  @Test
  void remove_deeperThanAnyPathWithFewDescriptors_isGone() throws IOException {
    Path layer = Files.createDirectories(home.resolve("layer/diff"));
    assumeTrue(
        Helpers.run(
                "perl",
                "-e",
                "chdir shift; for (1..3000) { mkdir 'd'; open(F, '>f'); close(F); chdir 'd' or die }",
                layer.toString())
            == 0,
        "no perl");
    Path program = home.resolve("limited");
    Files.writeString(program, "#!/bin/sh\nulimit -n 48\nexec '" + Helpers.binary() + "' \"$@\"\n");
    Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
    new NativeLinuxCalls(program, Helpers.namespace()).remove(home, "layer");
    assertFalse(Files.exists(home.resolve("layer")));
  }

  @Test
  void remove_somethingMountedInIt_isRefusedAndThatStays() throws IOException {
    Helpers.assumeRoot();
    Path point = Files.createDirectories(home.resolve("layer/diff/a/b"));
    assumeTrue(
        Helpers.run("mount", "-t", "tmpfs", "none", point.toString()) == 0,
        "no tmpfs can be mounted");
    try {
      Files.writeString(point.resolve("file"), "untouched");
      MountBusyException e =
          assertThrows(MountBusyException.class, () -> calls.remove(home, "layer"));
      assertEquals(List.of("mount at /diff/a/b"), e.holders());
      assertEquals("untouched", Files.readString(point.resolve("file")));
    } finally {
      Helpers.run("umount", point.toString());
    }
    calls.remove(home, "layer");
    assertFalse(Files.exists(home.resolve("layer")));
  }

  @Test
  void remove_bindMountOfTheSameFileSystem_isRefused() throws IOException {
    Helpers.assumeRoot();
    Path canary = Files.createDirectory(home.resolve("canary"));
    Files.writeString(canary.resolve("file"), "untouched");
    Path point = Files.createDirectories(home.resolve("layer/diff/a"));
    assumeTrue(
        Helpers.run("mount", "--bind", canary.toString(), point.toString()) == 0, "no bind mount");
    try {
      assertThrows(MountBusyException.class, () -> calls.remove(home, "layer"));
      assertTrue(Files.exists(canary.resolve("file")));
    } finally {
      Helpers.run("umount", point.toString());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ".", "..", "a/b", "../x"})
  void remove_invalidId_isArgumentError(String id) {
    assertThrows(IllegalArgumentException.class, () -> calls.remove(home, id));
  }

  @Test
  void sync_works() throws IOException {
    calls.sync(home);
  }
}
