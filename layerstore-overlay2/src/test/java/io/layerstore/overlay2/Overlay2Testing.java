package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.DriverNotSupportedException;
import io.layerstore.Durability;
import io.layerstore.IdMapping;
import io.layerstore.overlay2.linux.SubordinateIds;
import io.layerstore.spi.DriverContext;
import io.layerstore.spi.ProbeResult;
import io.layerstore.testing.Tool;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

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

  /** Those of {@code userns-remap} for root; for an ordinary user what the system grants. */
  static IdMapping mapping() {
    if (isRoot()) {
      List<IdMapping.Range> ranges = List.of(new IdMapping.Range(0, 100_000, 65_536));
      return new IdMapping(ranges, ranges);
    }
    Tool.require("newuidmap");
    Tool.require("newgidmap");
    try {
      return SubordinateIds.namespace().ranges();
    } catch (DriverNotSupportedException e) {
      assumeTrue(false, e.reason());
      throw new IllegalStateException(e);
    }
  }

  /** Skips the test, with the driver's reason, where overlay2 does not work. */
  static void assumeSupported(Path root) {
    ProbeResult probe = new Overlay2DriverProvider().probe(context(root));
    assumeTrue(probe.isSupported(), probe.detail());
  }

  /** The mounts in sight of this process whose path begins with that of {@code root}. */
  static List<String> mountsBelow(Path root) throws IOException {
    String escaped = root.toRealPath().toString().replace("\\", "\\134").replace(" ", "\\040");
    return Files.readAllLines(Path.of("/proc/self/mountinfo"), StandardCharsets.ISO_8859_1).stream()
        .filter(line -> line.contains(" " + escaped + "/"))
        .toList();
  }

  /** The helpers of this process that mount, of whatever store. */
  static Set<ProcessHandle> mountHelpers() {
    return ProcessHandle.current()
        .children()
        .filter(process -> isHelper(process) && isMountHelper(process))
        .collect(Collectors.toSet());
  }

  private static boolean isMountHelper(ProcessHandle process) {
    return commandLine(process)[1].equals("mount");
  }

  /** Whether a process is a helper, of whatever kind. */
  static boolean isHelper(ProcessHandle process) {
    return commandLine(process)[0].contains("layerstore-helper");
  }

  /** The program and at least one word more, each empty if there is none. */
  private static String[] commandLine(ProcessHandle process) {
    try {
      Path line = Path.of("/proc", Long.toString(process.pid()), "cmdline");
      String[] words = Files.readString(line, StandardCharsets.ISO_8859_1).split("\0", -1);
      return words.length > 1 ? words : new String[] {words[0], ""};
    } catch (IOException e) {
      return new String[] {"", ""}; // It has ended.
    }
  }
}
