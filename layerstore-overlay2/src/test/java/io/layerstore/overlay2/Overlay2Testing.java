package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.Durability;
import io.layerstore.IdMapping;
import io.layerstore.spi.DriverContext;
import io.layerstore.spi.ProbeResult;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** What the tests of the driver share. */
final class Overlay2Testing {

  private Overlay2Testing() {}

  static boolean isRoot() {
    try {
      return Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A store in {@code root}, without options. */
  static DriverContext context(Path root) {
    return context(root, Map.of());
  }

  static DriverContext context(Path root, Map<String, String> options) {
    return new DriverContext(
        root, root.resolve("overlay2"), options, IdMapping.IDENTITY, Durability.NONE, false);
  }

  /** Skips the test, with the driver's reason, where overlay2 does not work. */
  static void assumeSupported(Path root) {
    ProbeResult probe = new Overlay2DriverProvider().probe(context(root));
    assumeTrue(probe.isSupported(), probe.detail());
  }
}
