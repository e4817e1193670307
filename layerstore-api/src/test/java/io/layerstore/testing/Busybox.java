package io.layerstore.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The smallest root file system that runs: one static busybox under the names a test calls. */
public final class Busybox {

  private Busybox() {}

  /** Writes the root file system as a tar; skips the test where there is no busybox. */
  public static void writeRootTo(Path tar) throws IOException, InterruptedException {
    Tool busybox = Tool.require("busybox");
    try (ScratchDirectory root = ScratchDirectory.create()) {
      Path bin = Files.createDirectory(root.resolve("bin"));
      Files.copy(busybox.program(), bin.resolve("busybox"));
      for (String applet : busybox.run("--list").lines()) {
        if (!applet.equals("busybox")) {
          Files.createSymbolicLink(bin.resolve(applet), Path.of("busybox"));
        }
      }
      for (String directory : new String[] {"dev", "etc", "proc", "sys", "tmp"}) {
        Files.createDirectory(root.resolve(directory));
      }
      Tool.require("tar")
          .run("-C", root.path(), "--owner=0", "--group=0", "--numeric-owner", "-cf", tar, ".");
    }
  }
}
