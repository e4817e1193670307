package io.layerstore.core;

import io.layerstore.testing.HostileImageArchiveContract;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;

/** The contract on the {@code vfs} driver. */
abstract class VfsImageArchiveContract extends HostileImageArchiveContract {

  @Override
  protected Set<String> driverDirectories(Path root) throws IOException {
    Set<String> names = new TreeSet<>();
    Path home = root.resolve("vfs/dir");
    if (Files.isDirectory(home)) {
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(home)) {
        entries.forEach(entry -> names.add(entry.getFileName().toString()));
      }
    }
    return names;
  }
}
