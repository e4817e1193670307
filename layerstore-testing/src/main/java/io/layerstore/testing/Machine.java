package io.layerstore.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What this machine and this user allow a test to do. */
public final class Machine {

  private static final boolean IS_ROOT = effectiveUid() == 0;

  private Machine() {}

  /** Whether the tests run as root. */
  public static boolean isRoot() {
    return IS_ROOT;
  }

  /** Skips a test that only root can run. */
  public static void requireRoot() {
    assumeTrue(isRoot(), "needs root");
  }

  /** Skips a test that would not have {@code bytes} bytes of disk under {@code directory}. */
  public static void requireSpace(Path directory, long bytes) throws IOException {
    long usable = Files.getFileStore(directory).getUsableSpace();
    assumeTrue(
        usable >= bytes,
        "needs " + (bytes >> 20) + " MiB of disk space, which " + directory + " does not have");
  }

  /** New files belong to the effective user, whatever a name service says. */
  private static int effectiveUid() {
    try {
      Path file = Files.createTempFile("owner", null);
      try {
        return (int) Files.getAttribute(file, "unix:uid");
      } finally {
        Files.delete(file);
      }
    } catch (IOException | UnsupportedOperationException e) {
      return -1;
    }
  }
}
