package io.layerstore.core.docker;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.layerstore.StoreLockedException;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds out whether a dockerd works on a root.
 *
 * <p>It takes no lock on layers, but keeps its bolt databases locked by flock(2) as long as it
 * runs. Linux lists such locks in {@code /proc/locks}, by device and inode.
 */
public final class RunningDocker {

  private static final Logger log = LoggerFactory.getLogger(RunningDocker.class);

  private static final Path LOCKS = Path.of("/proc/locks");
  private static final List<String> DATABASES =
      List.of("volumes/metadata.db", "network/files/local-kv.db");
  private static final String BUILDKIT = "buildkit";

  private RunningDocker() {}

  /**
   * Refuses a root that a running dockerd has. Where that cannot be told it is not refused.
   *
   * @throws StoreLockedException if one has it
   */
  public static void requireNone(Path root) throws StoreLockedException {
    if (root.getFileSystem() != FileSystems.getDefault() || !Files.exists(LOCKS)) {
      return;
    }
    try {
      Map<String, Path> databases = new HashMap<>();
      for (Path database : databases(root)) {
        databases.put(identity(database), database);
      }
      if (databases.isEmpty()) {
        return;
      }
      try (BufferedReader locks = Files.newBufferedReader(LOCKS, US_ASCII)) {
        for (String line = locks.readLine(); line != null; line = locks.readLine()) {
          // 15: FLOCK  ADVISORY  WRITE 26282 fe:00:1614874 0 EOF
          String[] words = line.trim().split("\\s+", -1);
          if (words.length > 5 && words[1].equals("FLOCK") && databases.containsKey(words[5])) {
            throw new StoreLockedException(
                root,
                "in use by a running dockerd, which has "
                    + databases.get(words[5])
                    + " locked; stop it, or open the store for reading only");
          }
        }
      }
    } catch (StoreLockedException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      log.debug("cannot tell whether a dockerd has {}", root, e);
    }
  }

  private static List<Path> databases(Path root) throws IOException {
    List<Path> databases = new ArrayList<>();
    for (String name : DATABASES) {
      Path database = root.resolve(name);
      if (Files.isRegularFile(database)) {
        databases.add(database);
      }
    }
    Path buildKit = root.resolve(BUILDKIT);
    if (Files.isDirectory(buildKit)) {
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(buildKit, "*.db")) {
        entries.forEach(databases::add);
      } catch (DirectoryIteratorException e) {
        throw e.getCause();
      }
    }
    return databases;
  }

  /** A file as {@code /proc/locks} names it. */
  private static String identity(Path file) throws IOException {
    Map<String, Object> attributes = Files.readAttributes(file, "unix:dev,ino");
    long device = (Long) Objects.requireNonNull(attributes.get("dev"));
    long major = (device >> 8 & 0xfff) | (device >> 32 & ~0xfffL);
    long minor = (device & 0xff) | (device >> 12 & 0xfff00L);
    return String.format("%02x:%02x:%d", major, minor, (Long) attributes.get("ino"));
  }
}
