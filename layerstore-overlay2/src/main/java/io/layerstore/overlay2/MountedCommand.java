package io.layerstore.overlay2;

import io.layerstore.LayerStoreException;
import io.layerstore.driver.PlainDirectoryEntry;
import io.layerstore.overlay2.linux.Mounts;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Commands that run in mounts, which for an ordinary user are in the namespaces of the helper. */
final class MountedCommand {

  private static final File ANYWHERE = new File("/");

  private MountedCommand() {}

  /**
   * Makes a command start in a directory of the mounts of {@code by}.
   *
   * @param isRoot whether it is to be the root directory, rather than the working directory
   * @throws LayerStoreException if the mounts are gone, or there is no such program on this machine
   */
  static void enter(String id, Mounts by, Path directory, ProcessBuilder builder, boolean isRoot)
      throws LayerStoreException {
    if (!isRoot && by.namespaceOf(directory).isEmpty()) {
      new PlainDirectoryEntry(Overlay2DriverProvider.NAME).enter(id, directory, builder);
      return;
    }
    if (!by.isAlive()) {
      throw LayerDirectories.failure(id, "its mount is gone with the process that made it", null);
    }
    if (!isRoot) {
      requireProgram(builder, directory);
    }
    builder.command(by.commandIn(directory, isRoot, builder.command())).directory(ANYWHERE);
  }

  /**
   * What starting a process says by itself, unless a helper stands in between. Of the layer's own
   * programs nothing can be said: their names go through its links.
   */
  private static void requireProgram(ProcessBuilder builder, Path directory)
      throws LayerStoreException {
    String program = builder.command().get(0);
    if (program.contains("/")) {
      Path file = directory.resolve(program);
      if (!Files.isSymbolicLink(file) && !Files.isExecutable(file)) {
        throw cannotRun(program, "there is no such program");
      }
      return;
    }
    String path = builder.environment().getOrDefault("PATH", "/usr/bin:/bin");
    for (String place : path.split(":", -1)) {
      if (Files.isExecutable(directory.resolve(place).resolve(program))) {
        return;
      }
    }
    throw cannotRun(program, "it is in no directory of PATH");
  }

  private static LayerStoreException cannotRun(String program, String reason) {
    return new LayerStoreException(
        "cannot run " + program + ": " + reason + "; check the command",
        new IOException(program + ": " + reason));
  }
}
