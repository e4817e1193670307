package io.layerstore.core.share;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/** A path that fits into the address of a socket, which holds about a hundred bytes. */
final class ShortPath {

  private static final int MAX_BYTES = 90;

  /** Leaves room for a directory with a random name, the link in it, and the name of the socket. */
  private static final int MAX_PLACE_BYTES = 50;

  /** Where to look for a place; the first may be any, as users and builds set it. */
  private static final List<String> PLACES =
      List.of(System.getProperty("java.io.tmpdir", "/tmp"), "/tmp", "/var/tmp", "/dev/shm");

  private ShortPath() {}

  /** What needs such a path. */
  @FunctionalInterface
  interface Use {
    void run(Path path) throws IOException;
  }

  /** Runs {@code use} with {@code path}, or one through a short-lived link to its directory. */
  static void of(Path path, Use use) throws IOException {
    if (length(path.toString()) <= MAX_BYTES) {
      use.run(path);
      return;
    }
    Path directory = Objects.requireNonNull(path.toAbsolutePath().getParent());
    Path place = temporaryDirectory();
    Path link = place.resolve("l");
    try {
      Files.createSymbolicLink(link, directory);
      use.run(link.resolve(String.valueOf(path.getFileName())));
    } finally {
      Files.deleteIfExists(link);
      Files.delete(place);
    }
  }

  /** One of its own for the link, where the path of that is short. */
  private static Path temporaryDirectory() throws IOException {
    IOException failure =
        new IOException("its path is too long for a socket, and there is no shorter way to it");
    for (String place : PLACES) {
      if (length(place) <= MAX_PLACE_BYTES) {
        try {
          return Files.createTempDirectory(Path.of(place), "ls");
        } catch (IOException e) {
          failure.addSuppressed(e);
        }
      }
    }
    throw failure;
  }

  private static int length(String path) {
    return path.getBytes(StandardCharsets.UTF_8).length;
  }
}
