package io.layerstore.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The smallest root file system that runs: one static busybox under the names a test calls. */
public final class Busybox {

  private static final List<String> APPLETS =
      List.of(
          "cat",
          "chmod",
          "chown",
          "cp",
          "dd",
          "echo",
          "find",
          "ln",
          "ls",
          "mkdir",
          "mkfifo",
          "mknod",
          "mv",
          "rm",
          "rmdir",
          "sh",
          "sha256sum",
          "sleep",
          "stat",
          "tar",
          "touch",
          "true");

  private Busybox() {}

  /**
   * Makes the root file system in {@code root}, a new directory; skips the test without busybox.
   */
  public static void createRoot(Path root) throws IOException, InterruptedException {
    Tool busybox = Tool.require("busybox");
    Path bin = Files.createDirectories(root.resolve("bin"));
    Files.copy(busybox.program(), bin.resolve("busybox"));
    for (String applet : APPLETS) {
      Files.createSymbolicLink(bin.resolve(applet), Path.of("busybox"));
    }
    for (String directory : new String[] {"dev", "etc", "proc", "sys", "tmp"}) {
      Files.createDirectory(root.resolve(directory));
    }
  }

  /** Writes the root file system as a tar; skips the test without busybox. */
  public static void writeRootTo(Path tar) throws IOException, InterruptedException {
    try (ScratchDirectory scratch = ScratchDirectory.create()) {
      createRoot(scratch.resolve("root"));
      archive(scratch.resolve("root"), tar);
    }
  }

  /** Writes what is in {@code root} as a tar in which everything belongs to root. */
  public static void archive(Path root, Path tar) throws IOException, InterruptedException {
    Tool.require("tar")
        .run("-C", root, "--owner=0", "--group=0", "--numeric-owner", "-cf", tar, ".");
  }
}
