package io.layerstore.core.share;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/** A path that fits into the address of a socket, which holds about a hundred bytes. */
final class ShortPath {

  private static final int MAX_BYTES = 90;

  private ShortPath() {}

  /** What needs such a path. */
  @FunctionalInterface
  interface Use {
    void run(Path path) throws IOException;
  }

  /** Runs {@code use} with {@code path}, or one through a short-lived link to its directory. */
  static void of(Path path, Use use) throws IOException {
    if (path.toString().getBytes(StandardCharsets.UTF_8).length <= MAX_BYTES) {
      use.run(path);
      return;
    }
    Path directory = Objects.requireNonNull(path.toAbsolutePath().getParent());
    Path place = Files.createTempDirectory("ls");
    Path link = place.resolve("l");
    try {
      Files.createSymbolicLink(link, directory);
      use.run(link.resolve(String.valueOf(path.getFileName())));
    } finally {
      Files.deleteIfExists(link);
      Files.delete(place);
    }
  }
}
