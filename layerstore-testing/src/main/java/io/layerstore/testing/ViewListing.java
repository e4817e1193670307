package io.layerstore.testing;

import static java.nio.file.LinkOption.NOFOLLOW_LINKS;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.layerstore.Digest;
import io.layerstore.LayerEntryAttributes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * All that {@code java.nio.file} tells of a tree, a line for each path, so that layers shown as a
 * file system can be compared with the same layers mounted, or shown from elsewhere.
 */
public final class ViewListing {

  private static final String ANY_TIME = "any-time";
  private static final int MAX_READ_BYTES = 64 << 20;
  private static final int TYPE_BITS = 0170000;
  private static final int SYMLINK = 0120000;
  private static final int DIRECTORY = 0040000;

  private ViewListing() {}

  /**
   * Lists what is below {@code root}, without it. A directory that no archive has an entry for has
   * no known time.
   */
  public static SortedMap<String, String> of(Path root) throws IOException {
    SortedMap<String, String> lines = new TreeMap<>();
    Map<Object, String> names = new HashMap<>();
    SortedMap<String, Path> paths = new TreeMap<>();
    try (Stream<Path> walk = Files.walk(root)) {
      walk.filter(path -> !path.equals(root)).forEach(path -> paths.put(name(root, path), path));
    }
    for (Map.Entry<String, Path> entry : paths.entrySet()) {
      lines.put(entry.getKey(), line(entry.getValue(), entry.getKey(), names));
    }
    return lines;
  }

  /** The bytes of a path, each as a character, whatever the charset of this machine is. */
  private static String name(Path root, Path path) {
    String start = root.toUri().toString();
    String encoded = path.toUri().toString().substring(start.length());
    StringBuilder name = new StringBuilder();
    for (int i = 0; i < encoded.length(); i++) {
      char c = encoded.charAt(i);
      if (c == '%') {
        name.append((char) Integer.parseInt(encoded.substring(i + 1, i + 3), 16));
        i += 2;
      } else {
        name.append(c);
      }
    }
    boolean isDirectory = name.length() > 0 && name.charAt(name.length() - 1) == '/';
    return name.substring(0, name.length() - (isDirectory ? 1 : 0));
  }

  private static String line(Path path, String name, Map<Object, String> names) throws IOException {
    Map<String, Object> unix = Files.readAttributes(path, "unix:*", NOFOLLOW_LINKS);
    int mode = (int) unix.get("mode");
    int type = mode & TYPE_BITS;
    StringBuilder line = new StringBuilder(Integer.toOctalString(mode));
    line.append(' ').append(unix.get("uid")).append(':').append(unix.get("gid"));
    if (type == SYMLINK) {
      line.append(" -> ").append(Files.readSymbolicLink(path));
    } else if (Files.isRegularFile(path, NOFOLLOW_LINKS)) {
      line.append(' ').append(content(path));
    } else if (type != DIRECTORY) {
      line.append(' ').append(unix.get("rdev"));
    }
    if (type != DIRECTORY) {
      line.append(" links:").append(unix.get("nlink"));
      String first = names.putIfAbsent(unix.get("fileKey"), name);
      line.append(first == null ? "" : " same-as:" + first);
    }
    line.append(' ').append(time(path, (FileTime) unix.get("lastModifiedTime")));
    return line.toString();
  }

  /** The digest of a file; of one that is mostly hole the length alone. */
  private static String content(Path file) throws IOException {
    long size = Files.size(file);
    return size > MAX_READ_BYTES
        ? size + " bytes"
        : Digest.sha256Of(Files.readAllBytes(file)).toString();
  }

  private static String time(Path path, FileTime time) throws IOException {
    boolean isView = path.getFileSystem().supportedFileAttributeViews().contains("layer");
    return isView
            && Files.readAttributes(path, LayerEntryAttributes.class, NOFOLLOW_LINKS).isImplied()
        ? ANY_TIME
        : time.toString();
  }

  /** Asserts that both are the same, but for times that one of them does not know. */
  public static void assertSame(
      SortedMap<String, String> expected, SortedMap<String, String> actual, String message) {
    SortedMap<String, String> first = new TreeMap<>(expected);
    SortedMap<String, String> second = new TreeMap<>(actual);
    for (String name : expected.keySet()) {
      String one = first.get(name);
      String other = second.getOrDefault(name, "");
      if (one.endsWith(ANY_TIME) || other.endsWith(ANY_TIME)) {
        first.put(name, withoutTime(one));
        second.computeIfPresent(name, (path, line) -> withoutTime(line));
      }
    }
    assertEquals(text(first), text(second), message);
  }

  private static String withoutTime(String line) {
    return line.substring(0, line.lastIndexOf(' '));
  }

  private static String text(SortedMap<String, String> lines) {
    StringBuilder text = new StringBuilder();
    lines.forEach((name, line) -> text.append(name).append(": ").append(line).append('\n'));
    return text.toString();
  }
}
