package io.layerstore.overlay2;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.DriverNotSupportedException;
import io.layerstore.Durability;
import io.layerstore.IdMapping;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.StoreOptions;
import io.layerstore.overlay2.linux.SubordinateIds;
import io.layerstore.spi.DriverContext;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.ProbeResult;
import io.layerstore.testing.Tool;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** What the tests of the driver share. */
final class Overlay2Testing {

  private static final int HOME_DEPTH = 4;

  private Overlay2Testing() {}

  static boolean isRoot() {
    try {
      return Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** For whom all files are to be the own ones; root is given no such choice. */
  static Map<String, String> ownIds() {
    return isRoot() ? Map.of() : Map.of("overlay2.ids", "own");
  }

  /** A store whose files all belong to whoever runs the tests, if that is not root. */
  static StoreOptions.Builder ownStore(Path root) {
    StoreOptions.Builder builder = LayerStore.builder(root).driver("overlay2");
    ownIds().forEach(builder::driverOption);
    return builder;
  }

  /** Whether files get their owners from the archive in stores without options. */
  static boolean keepsOwners(Path emptyRoot) {
    try (GraphDriver driver = new Overlay2DriverProvider().open(context(emptyRoot))) {
      return driver.traits().keepsOwners();
    } catch (LayerStoreException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Deletes the layers of all stores that are not deep below {@code directory}: what other ids own
   * can be deleted by nobody else, such as {@code @TempDir}.
   */
  static void deleteLayers(Path directory) throws IOException {
    if (isRoot()) {
      return;
    }
    List<Path> homes = new ArrayList<>();
    Files.walkFileTree(
        directory,
        Set.of(),
        HOME_DEPTH,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path path, BasicFileAttributes attributes) {
            if (!isHome(path)) {
              return FileVisitResult.CONTINUE;
            }
            homes.add(path);
            return FileVisitResult.SKIP_SUBTREE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path path, IOException e) {
            return FileVisitResult.CONTINUE;
          }
        });
    for (Path home : homes) {
      try (GraphDriver driver = new Overlay2DriverProvider().open(context(home.getParent()))) {
        for (String id : driver.ids()) {
          driver.remove(id);
        }
      }
    }
  }

  private static boolean isHome(Path path) {
    return path.endsWith("overlay2")
        && Files.isDirectory(path.resolve("l"), LinkOption.NOFOLLOW_LINKS);
  }

  /** A store in {@code root}, without options. */
  static DriverContext context(Path root) {
    return context(root, Map.of());
  }

  static DriverContext context(Path root, Map<String, String> options) {
    return DriverContext.builder(root, root.resolve("overlay2"))
        .options(options)
        .durability(Durability.NONE)
        .build();
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
        .descendants()
        .filter(process -> isHelper(process) && isMountHelper(process))
        .collect(Collectors.toSet());
  }

  private static boolean isMountHelper(ProcessHandle process) {
    return commandLine(process)[1].equals("mount");
  }

  /** Kills processes, and waits until they are dead, whoever has to wait for them then. */
  static void kill(Collection<ProcessHandle> processes) {
    processes.forEach(ProcessHandle::destroyForcibly);
    for (ProcessHandle process : processes) {
      while (new File("/proc/" + process.pid() + "/root").exists()) {
        Thread.onSpinWait();
      }
    }
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
