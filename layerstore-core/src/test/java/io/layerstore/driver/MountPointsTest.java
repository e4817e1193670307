package io.layerstore.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class MountPointsTest {

  @Test
  void mountPoint_line_isTheFifthField() {
    assertEquals(
        "/mnt2",
        MountPoints.mountPoint(
            "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue"));
  }

  @Test
  void mountPoint_escapes_areUndone() {
    assertEquals(
        "/a b\tc\nd\\e", MountPoints.mountPoint("1 2 3:4 / /a\\040b\\011c\\012d\\134e rw - x y z"));
  }

  @Test
  void mountPoint_cutOffLine_isNone() {
    assertEquals("", MountPoints.mountPoint("36 35 98:0"));
  }

  @Test
  void firstIn_directoryWithMounts_findsOne() throws IOException {
    assumeTrue(Files.exists(Path.of("/proc/self/mountinfo")), "needs /proc");
    assertEquals(Optional.of("/proc"), MountPoints.firstIn(Path.of("/proc")).map(p -> "/proc"));
  }

  @Test
  void firstIn_plainDirectory_findsNone(@TempDir Path directory) throws IOException {
    Path odd = Files.createDirectory(directory.resolve("sp ace%41"));
    assertEquals(Optional.empty(), MountPoints.firstIn(odd));
  }

  @Test
  void firstIn_siblingWithTheSameBeginning_doesNotCount() throws IOException {
    assumeTrue(Files.exists(Path.of("/proc/self/mountinfo")), "needs /proc");
    assertTrue(MountPoints.firstIn(Path.of("/proc")).isPresent());
    assertEquals(Optional.empty(), MountPoints.firstIn(Path.of("/pro")));
  }
}
