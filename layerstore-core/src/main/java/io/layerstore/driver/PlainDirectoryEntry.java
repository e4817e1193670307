package io.layerstore.driver;

import io.layerstore.DriverException;
import java.io.File;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Runs commands in a directory of this machine with what every Linux has: its working directory is
 * the JDK's to set, its root directory that of {@code chroot} and {@code unshare}.
 */
public final class PlainDirectoryEntry {

  private static final Path SELF = Path.of("/proc/self");

  private final String driver;

  /** For the messages of {@code driver}. */
  public PlainDirectoryEntry(String driver) {
    this.driver = driver;
  }

  /**
   * Makes a command start in {@code directory}.
   *
   * @throws DriverException if the directory is not on the default file system
   */
  public void enter(String id, Path directory, ProcessBuilder builder) throws DriverException {
    builder.directory(fileOf(id, directory));
  }

  /**
   * Makes a command start with {@code directory} as its root directory.
   *
   * @throws DriverException if the directory is not on the default file system, or there are no
   *     programs to do it with
   */
  public void chroot(String id, Path directory, ProcessBuilder builder) throws DriverException {
    File root = fileOf(id, directory);
    List<String> command = new ArrayList<>();
    if (!isSuperUser()) {
      command.addAll(List.of(require(id, "unshare"), "--user", "--map-root-user", "--"));
    }
    command.addAll(List.of(require(id, "chroot"), "--", root.getAbsolutePath()));
    command.addAll(builder.command());
    builder.command(command).directory(root);
  }

  private File fileOf(String id, Path directory) throws DriverException {
    if (directory.getFileSystem() != FileSystems.getDefault()) {
      throw new DriverException(
          driver,
          id,
          "a command cannot see files of " + directory.getFileSystem() + "; keep the store on disk",
          null);
    }
    return directory.toAbsolutePath().toFile();
  }

  private static boolean isSuperUser() {
    try {
      return Integer.valueOf(0).equals(Files.getAttribute(SELF, "unix:uid"));
    } catch (IOException | UnsupportedOperationException | IllegalArgumentException e) {
      return false; // No Linux; then chroot says what it thinks.
    }
  }

  /** The program's path. An ordinary user's PATH leaves out the administrator's directories. */
  private String require(String id, String program) throws DriverException {
    String path = System.getenv("PATH");
    for (String directory : ((path == null ? "" : path) + ":/usr/sbin:/usr/bin").split(":", -1)) {
      Path candidate = directory.isEmpty() ? null : Path.of(directory, program);
      if (candidate != null && Files.isExecutable(candidate)) {
        return candidate.toString();
      }
    }
    throw new DriverException(
        driver,
        id,
        "a command needs the program " + program + " of this machine to get another root directory",
        null);
  }
}
