package io.layerstore.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * A directory with files that nothing may touch, beside the store under test.
 *
 * <p>Remembers how it was made; any difference in names, types, contents, permissions, owners or
 * times of modification shows that something broke out of the store.
 */
public final class Canary {

  /** What is in the file {@code canary}; must never be read through a layer. */
  static final String SECRET = "belongs to the host";

  private final Path directory;
  private final SortedMap<String, String> before;

  private Canary(Path directory) throws IOException {
    this.directory = directory;
    this.before = look();
  }

  /** Makes it in {@code directory}, which must not exist. */
  public static Canary create(Path directory) throws IOException {
    Files.createDirectory(directory);
    Files.writeString(directory.resolve("canary"), SECRET);
    Files.createDirectory(directory.resolve("inside"));
    Files.writeString(directory.resolve("inside/file"), SECRET);
    return new Canary(directory);
  }

  /** Where it is. */
  public Path directory() {
    return directory;
  }

  /** Fails if anything is not as it was. */
  public void assertUntouched() throws IOException {
    SortedMap<String, String> now = look();
    Set<String> paths = new TreeSet<>(before.keySet());
    paths.addAll(now.keySet());
    for (String path : paths) {
      assertEquals(before.get(path), now.get(path), "outside the store, the file \"" + path + '"');
    }
  }

  private SortedMap<String, String> look() throws IOException {
    SortedMap<String, String> found = new TreeMap<>();
    try (Stream<Path> paths = Files.walk(directory)) {
      for (Path path : (Iterable<Path>) paths::iterator) {
        found.put(directory.relativize(path).toString(), describe(path));
      }
    }
    return found;
  }

  private static String describe(Path path) throws IOException {
    String content =
        Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)
            ? new String(Files.readAllBytes(path), StandardCharsets.ISO_8859_1)
            : "";
    boolean isPosix = path.getFileSystem().supportedFileAttributeViews().contains("posix");
    String attributes =
        (isPosix ? "posix:permissions,owner,group," : "")
            + "lastModifiedTime,isDirectory,isSymbolicLink";
    return Files.readAttributes(path, attributes, LinkOption.NOFOLLOW_LINKS) + content;
  }
}
