package io.layerstore.driver;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The mounts that this process can see, from {@code /proc/self/mountinfo}.
 *
 * <p>Comparing device numbers does not find a bind mount of the same file system, and deleting
 * through one would delete what is elsewhere. Format: proc_pid_mountinfo(5); the fifth field is the
 * mount point, with space, tab, newline and backslash as three octal digits after a backslash.
 */
final class MountPoints {

  private static final Path MOUNTINFO = Path.of("/proc/self/mountinfo");
  private static final int MOUNT_POINT_FIELD = 4;

  private MountPoints() {}

  /** A mount point at or below {@code directory}; none if the system has no such table. */
  static Optional<String> firstIn(Path directory) throws IOException {
    if (directory.getFileSystem() != FileSystems.getDefault() || !Files.isReadable(MOUNTINFO)) {
      return Optional.empty();
    }
    String place = bytesOf(realPath(directory));
    // One char per byte: names of mount points are bytes, in whatever charset.
    try (BufferedReader reader = Files.newBufferedReader(MOUNTINFO, StandardCharsets.ISO_8859_1);
        Stream<String> lines = reader.lines()) {
      return lines
          .map(MountPoints::mountPoint)
          .filter(point -> point.equals(place) || point.startsWith(place + "/"))
          .findFirst()
          .map(
              point ->
                  new String(point.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8));
    } catch (java.io.UncheckedIOException e) {
      throw e.getCause();
    }
  }

  /** The directory's path without links above it; the last component is the directory itself. */
  private static Path realPath(Path directory) throws IOException {
    Path absolute = directory.toAbsolutePath();
    @Nullable Path parent = absolute.getParent();
    @Nullable Path name = absolute.getFileName();
    return parent == null || name == null ? absolute : parent.toRealPath().resolve(name);
  }

  /**
   * The bytes of a path's name, each as one char; a path's text cannot show them all, its URI can.
   */
  private static String bytesOf(Path path) {
    String raw = URI.create(path.toUri().toString()).getRawPath();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(raw.length());
    for (int i = 0; i < raw.length(); i++) {
      if (raw.charAt(i) == '%') {
        bytes.write(Integer.parseInt(raw, i + 1, i + 3, 16));
        i += 2;
      } else {
        bytes.write(raw.charAt(i));
      }
    }
    String text = bytes.toString(StandardCharsets.ISO_8859_1);
    // The URI of a directory ends in a slash.
    return text.length() > 1 && text.endsWith("/") ? text.substring(0, text.length() - 1) : text;
  }

  /** The mount point in a line of the table. */
  static String mountPoint(String line) {
    String[] fields = line.split(" ", MOUNT_POINT_FIELD + 2);
    if (fields.length <= MOUNT_POINT_FIELD) {
      return "";
    }
    String escaped = fields[MOUNT_POINT_FIELD];
    if (escaped.indexOf('\\') < 0) {
      return escaped;
    }
    StringBuilder point = new StringBuilder(escaped.length());
    for (int i = 0; i < escaped.length(); i++) {
      char c = escaped.charAt(i);
      if (c == '\\' && i + 3 < escaped.length()) {
        point.append((char) Integer.parseInt(escaped, i + 1, i + 4, 8));
        i += 3;
      } else {
        point.append(c);
      }
    }
    return point.toString();
  }
}
