package io.layerstore.overlay2.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Who uses a mount, as far as {@code /proc} tells this process: for an ordinary user that is the
 * user's own processes.
 *
 * <p>A process holds a mount if its working directory, its root, its program or an open file is on
 * the mount's device; overlay gives each mount a device of its own.
 */
final class MountHolders {

  private static final Path PROC = Path.of("/proc");
  private static final int MAX_HOLDERS = 32;

  private MountHolders() {}

  /**
   * The processes that use what is mounted at {@code merged}, each with its name, and what is
   * mounted below it.
   */
  static List<String> find(Path merged) {
    List<String> holders = new ArrayList<>();
    Object device = deviceOf(merged);
    if (device == null) {
      return holders;
    }
    try (DirectoryStream<Path> processes = Files.newDirectoryStream(PROC, "[0-9]*")) {
      for (Path process : processes) {
        String use = useOf(process, device);
        if (use != null) {
          holders.add("process " + process.getFileName() + " " + nameOf(process) + "(" + use + ")");
        }
        if (holders.size() == MAX_HOLDERS) {
          break;
        }
      }
    } catch (IOException e) {
      // A list of holders is a courtesy; without /proc there is none.
    }
    return holders;
  }

  private static @Nullable String useOf(Path process, Object device) {
    if (device.equals(deviceOf(process.resolve("cwd")))) {
      return "working directory";
    }
    if (device.equals(deviceOf(process.resolve("root")))) {
      return "root directory";
    }
    if (device.equals(deviceOf(process.resolve("exe")))) {
      return "program";
    }
    try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(process.resolve("fd"))) {
      for (Path descriptor : descriptors) {
        if (device.equals(deviceOf(descriptor))) {
          return "open file";
        }
      }
    } catch (IOException e) {
      // Ended meanwhile, or another user's.
    }
    return null;
  }

  private static @Nullable Object deviceOf(Path path) {
    try {
      return Files.getAttribute(path, "unix:dev");
    } catch (IOException e) {
      return null;
    }
  }

  private static String nameOf(Path process) {
    try {
      return Files.readString(process.resolve("comm"), StandardCharsets.ISO_8859_1).trim() + " ";
    } catch (IOException e) {
      return "";
    }
  }
}
