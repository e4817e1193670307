package io.layerstore.testing;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * The root file system of a minimal Debian as a tar, made by debootstrap from the network.
 *
 * <p>It is kept in the directory that the system property {@code layerstore.cache} names, and made
 * only once there. Root can make one; everybody can use one that is there.
 */
public final class DebianRoot {

  private static final int ATTEMPTS = 3;

  private DebianRoot() {}

  /** The archive; skips the test where there is none and none can be made. */
  public static synchronized Path archive() throws IOException, InterruptedException {
    String cache = System.getProperty("layerstore.cache");
    assumeTrue(cache != null, "needs -Dlayerstore.cache=DIRECTORY, where a Debian root is kept");
    Path archive = Path.of(cache, "debian-bookworm-minbase.tar");
    if (Files.notExists(archive)) {
      assumeTrue(Machine.isRoot(), "needs " + archive + ", which root can make");
      make(archive);
    }
    return archive;
  }

  private static void make(Path archive) throws IOException, InterruptedException {
    Tool debootstrap = Tool.require("debootstrap");
    Files.createDirectories(archive.getParent());
    try (ScratchDirectory scratch = ScratchDirectory.create()) {
      Path root = scratch.resolve("root");
      Tool.Result result = debootstrap.attempt("--variant=minbase", "bookworm", root);
      for (int attempt = 1; attempt < ATTEMPTS && result.status() != 0; attempt++) {
        // A second run goes on with what the first one has downloaded.
        result = debootstrap.attempt("--variant=minbase", "bookworm", root);
      }
      if (result.status() != 0) {
        throw new AssertionError(result.toString());
      }
      Path made = archive.resolveSibling(archive.getFileName() + ".new");
      Tool.require("tar")
          .run("-C", root, "--numeric-owner", "--xattrs", "--xattrs-include=*", "-cf", made, ".");
      Files.move(made, archive, StandardCopyOption.ATOMIC_MOVE);
    }
  }
}
