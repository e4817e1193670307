package io.layerstore.core;

import io.layerstore.testing.SharingContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

final class VfsSharingTest extends SharingContract {

  @Override
  protected String driver() {
    return "vfs";
  }

  @Override
  protected Set<String> driverDirectories(Path root) throws IOException {
    try (Stream<Path> layers = Files.list(root.resolve("vfs/dir"))) {
      return layers
          .map(layer -> layer.getFileName().toString())
          .collect(Collectors.toCollection(TreeSet::new));
    }
  }
}
