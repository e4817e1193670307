package io.layerstore.overlay2.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.layerstore.ByteString;
import io.layerstore.DriverNotSupportedException;
import io.layerstore.LayerStoreException;
import io.layerstore.overlay2.linux.wire.HelperProcess;
import io.layerstore.overlay2.linux.wire.HelperServer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** What the tests of this package share: the built helper, and commands of the system. */
final class Helpers {

  private static final int COMMAND_SECONDS = 60;

  private Helpers() {}

  /** The helper that this build made; the test is skipped where there is none. */
  static Path binary() {
    try {
      return HelperBinary.locate(Path.of("/nonexistent"));
    } catch (DriverNotSupportedException e) {
      assumeTrue(false, e.reason());
      throw new IllegalStateException(e);
    }
  }

  static boolean isRoot() throws IOException {
    return Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
  }

  /** The namespace in which this user can work; the test is skipped where there is none. */
  static UserNamespace namespace() throws IOException {
    if (isRoot()) {
      return UserNamespace.NONE;
    }
    assumeTrue(
        run("unshare", "--user", "--mount", "--map-root-user", "true") == 0,
        "this system does not let ordinary users make user namespaces");
    return UserNamespace.OF_USER;
  }

  /** What works for the user who runs the tests. */
  static LinuxCalls calls() throws IOException {
    return new NativeLinuxCalls(binary(), namespace());
  }

  /** A server in that namespace, which the first request starts. */
  static HelperServer server(UserNamespace namespace) {
    Path program = binary();
    return new HelperServer(
        () -> HelperProcess.start(program, namespace.isUsed(), namespace.ranges()));
  }

  static void assumeRoot() throws IOException {
    assumeTrue(isRoot(), "needs root");
  }

  /** Runs a command; gives its exit status, or -1 if it cannot be started. */
  static int run(String... command) throws IOException {
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      return process.waitFor(COMMAND_SECONDS, TimeUnit.SECONDS) ? process.exitValue() : -1;
    } catch (IOException e) {
      return -1;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return -1;
    }
  }

  /** Runs a command that must work, and gives what it prints. */
  static String output(String... command) throws IOException {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String text =
          new String(process.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
      assertEquals(0, process.waitFor(), () -> String.join(" ", command) + ": " + text);
      return text.strip();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException(e);
    }
  }

  /** Makes a layer's directories as the driver does, with a link of 26 letters. */
  static void makeLayer(Path home, String id, String link, boolean hasParent) throws IOException {
    Path layer = Files.createDirectories(home.resolve(id));
    Files.createDirectory(layer.resolve("diff"));
    Files.createDirectories(home.resolve("l"));
    Files.createSymbolicLink(home.resolve("l").resolve(link), Path.of("../" + id + "/diff"));
    if (hasParent) {
      Files.createDirectory(layer.resolve("work"));
    }
  }

  /** A link name that ends in a number. */
  static String link(int number) {
    String digits = Integer.toString(number, 5).replace('0', '6').replace('1', '7');
    return "A".repeat(26 - digits.length()) + digits;
  }

  static List<String> names(Path directory) throws IOException {
    try (var entries = Files.list(directory)) {
      return entries.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  static ByteString bytes(String text) {
    return ByteString.utf8(text);
  }

  /** A probe of the directory, with everything that is needed. */
  static MountSettings settings(LinuxCalls calls, Path directory) throws LayerStoreException {
    KernelFeatures features = calls.probe(directory);
    assumeTrue(
        features.has(KernelFeatures.OVERLAY),
        () -> "no overlay mounts here: " + features.find(KernelFeatures.OVERLAY));
    return MountSettings.of(features);
  }
}
