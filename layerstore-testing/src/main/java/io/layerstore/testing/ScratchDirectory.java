package io.layerstore.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A temporary directory for trees that are not made by Java: with names in any bytes, directories
 * nobody may enter, links to anywhere. Closing it deletes it with the machine's own {@code rm}.
 */
public final class ScratchDirectory implements AutoCloseable {

  private final Path path;

  private ScratchDirectory(Path path) {
    this.path = path;
  }

  /** A new, empty directory. */
  public static ScratchDirectory create() throws IOException {
    return new ScratchDirectory(Files.createTempDirectory("scratch").toRealPath());
  }

  /** The same with a short path, for programs that want one. */
  public static ScratchDirectory createShort() throws IOException {
    return new ScratchDirectory(Files.createTempDirectory(Path.of("/tmp"), "ls").toRealPath());
  }

  /** Where it is. */
  public Path path() {
    return path;
  }

  /** The path of {@code name} in it. */
  public Path resolve(String name) {
    return path.resolve(name);
  }

  @Override
  public void close() throws IOException {
    try {
      // An ordinary user must first be allowed to enter what is to be deleted.
      Tool.require("chmod").attempt("-R", "u+rwx", path);
      Tool.require("rm").run("-rf", path);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while deleting " + path, e);
    }
  }
}
