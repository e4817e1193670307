package io.layerstore.overlay2.linux;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The mount tables of all processes that this one may look at. */
final class OverlayTables {

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
    return (major & 0xfff) << 8 | (major & ~0xfffL) << 32 | (minor & 0xff) | (minor & ~0xffL) << 12;
  }
}
