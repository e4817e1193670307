package io.layerstore.overlay2;

import io.layerstore.testing.SharingContract;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;

final class Overlay2SharingTest extends SharingContract {

  @Override
  protected String driver() {
    return "overlay2";
  }

  @Override
  protected Set<String> driverDirectories(Path root) throws IOException {
    Set<String> names = new TreeSet<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(root.resolve("overlay2"))) {
      entries.forEach(entry -> names.add(entry.getFileName().toString()));
    }
    names.remove("l");
    return names;
  }
}
