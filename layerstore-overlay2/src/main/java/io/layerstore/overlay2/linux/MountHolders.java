package io.layerstore.overlay2.linux;

import io.layerstore.ByteString;
import io.layerstore.overlay2.linux.wire.PathBytes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Who uses a mount, as far as {@code /proc} tells this process: for an ordinary user that is the
 * user's own processes.
 *
 * <p>A process holds a mount if its working directory, its root, its program or an open file is on
 * the mount's device; overlay gives each mount a device of its own. A mount below it holds it too.
 */
final class MountHolders {

  private static final Path PROC = Path.of("/proc");
  private static final int MAX_HOLDERS = 32;
  private static final int MOUNT_POINT_FIELD = 4;
  private static final Pattern OCTAL = Pattern.compile("\\\\([0-3][0-7]{2})");

  private MountHolders() {}

  /**
   * The processes that use what is mounted at {@code mounted}, each with its name and how, and what
   * is mounted below it.
   *
   * @param mounted where this process can reach it
   * @param pid a process in whose mount namespace it is
   * @param path where it is there
   */
  static List<String> find(Path mounted, long pid, Path path) {
    // An interrupted thread can read no file.
    boolean wasInterrupted = Thread.interrupted();
    try {
      List<String> holders = new ArrayList<>();
      Object device = deviceOf(mounted);
      if (device != null) {
        addProcesses(holders, device);
      }
      addMounts(holders, PROC.resolve(Long.toString(pid)).resolve("mountinfo"), path);
      return holders.size() > MAX_HOLDERS ? holders.subList(0, MAX_HOLDERS) : holders;
    } finally {
      if (wasInterrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /**
   * The processes that use an overlay of a layer without its usual mount, and what it is mounted at
   * where no process tells more.
   *
   * @param device the overlay's, or null to look for it among the mounts of all processes
   */
  static List<String> elsewhere(String id, @Nullable Long device) {
    boolean wasInterrupted = Thread.interrupted();
    try {
      List<String> holders = new ArrayList<>();
      Map<Long, String> mounts = OverlayTables.mountsOf(id);
      Set<Long> devices = new LinkedHashSet<>(mounts.keySet());
      if (device != null) {
        devices.add(device);
      }
      for (Long one : devices) {
        addProcesses(holders, one);
      }
      return holders.isEmpty() ? List.copyOf(mounts.values()) : holders;
    } finally {
      if (wasInterrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** What is mounted below a directory, in the mount namespace of this process. */
  static List<String> mountsBelow(Path directory) {
    List<String> mounts = new ArrayList<>();
    addMounts(mounts, PROC.resolve("self").resolve("mountinfo"), directory);
    return mounts;
  }

  private static void addProcesses(List<String> holders, Object device) {
    try (DirectoryStream<Path> processes = Files.newDirectoryStream(PROC, "[0-9]*")) {
      for (Path process : processes) {
        String use = useOf(process, device);
        if (use != null) {
          holders.add("process " + process.getFileName() + " " + nameOf(process) + "(" + use + ")");
        }
        if (holders.size() == MAX_HOLDERS) {
          return;
        }
      }
    } catch (IOException e) {
      // A list of holders is a courtesy; without /proc there is none.
    }
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

  static String nameOf(Path process) {
    try {
      return Files.readString(process.resolve("comm"), StandardCharsets.ISO_8859_1).strip() + " ";
    } catch (IOException e) {
      return "";
    }
  }

  /** Paths are compared as bytes, which are characters of ISO 8859-1 here. */
  private static void addMounts(List<String> holders, Path mountinfo, Path path) {
    try {
      String prefix = latin1(PathBytes.of(path.toRealPath())) + "/";
      for (String line : Files.readAllLines(mountinfo, StandardCharsets.ISO_8859_1)) {
        String[] fields = line.split(" ", MOUNT_POINT_FIELD + 2);
        if (fields.length > MOUNT_POINT_FIELD
            && unescape(fields[MOUNT_POINT_FIELD]).startsWith(prefix)) {
          String below = unescape(fields[MOUNT_POINT_FIELD]).substring(prefix.length());
          holders.add("mount at /" + below);
        }
      }
    } catch (IOException e) {
      // As above.
    }
  }

  private static String latin1(ByteString bytes) {
    return new String(bytes.toByteArray(), StandardCharsets.ISO_8859_1);
  }

  static String unescape(String field) {
    return OCTAL
        .matcher(field)
        .replaceAll(
            match ->
                Matcher.quoteReplacement(Character.toString(Integer.parseInt(match.group(1), 8))));
  }

  /** The mount tables of all processes that this one may look at. */
  private static final class OverlayTables {

    private static final Path PROC = Path.of("/proc");

    /** {@code ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG...] - overlay SOURCE OPTIONS}. */
    private static final Pattern OVERLAY =
        Pattern.compile("[0-9]+ [0-9]+ ([0-9]+):([0-9]+) [^ ]+ ([^ ]+) .* - overlay [^ ]+ ([^ ]*)");

    private OverlayTables() {}

    /** The devices of overlays of a layer's own files, each with a text on where it is mounted. */
    static Map<Long, String> mountsOf(String id) {
      Map<Long, String> mounts = new LinkedHashMap<>();
      Set<String> seen = new HashSet<>();
      try (DirectoryStream<Path> processes = Files.newDirectoryStream(PROC, "[0-9]*")) {
        for (Path process : processes) {
          try {
            if (seen.add(Files.readSymbolicLink(process.resolve("ns/mnt")).toString())) {
              addMounts(mounts, process, id);
            }
          } catch (IOException e) {
            // Ended meanwhile, or another user's.
          }
        }
      } catch (IOException e) {
        // A list of holders is a courtesy; without /proc there is none.
      }
      return mounts;
    }

    private static void addMounts(Map<Long, String> mounts, Path process, String id)
        throws IOException {
      List<String> table =
          Files.readAllLines(process.resolve("mountinfo"), StandardCharsets.ISO_8859_1);
      for (String line : table) {
        Matcher matcher = OVERLAY.matcher(line);
        if (matcher.matches() && matcher.group(4).contains("=" + id + "/diff")) {
          mounts.putIfAbsent(
              device(Long.parseLong(matcher.group(1)), Long.parseLong(matcher.group(2))),
              "mount at "
                  + MountHolders.unescape(matcher.group(3))
                  + " as process "
                  + process.getFileName()
                  + " "
                  + MountHolders.nameOf(process).strip()
                  + " sees it");
        }
      }
    }

    /** As {@code makedev} of the C library, which is what {@code unix:dev} gives. */
    private static long device(long major, long minor) {
      return (major & 0xfff) << 8
          | (major & ~0xfffL) << 32
          | (minor & 0xff)
          | (minor & ~0xffL) << 12;
    }
  }
}
