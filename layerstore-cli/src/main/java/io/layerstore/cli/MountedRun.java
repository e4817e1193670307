package io.layerstore.cli;

import io.layerstore.Mount;
import io.layerstore.RWLayer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Runs one command in a read-write layer, for {@code run} and {@code mount}. */
final class MountedRun {
  private final Layerstore layerstore;

  MountedRun(Layerstore layerstore) {
    this.layerstore = layerstore;
  }

  /**
   * Mounts the layer, runs the command in it, and unmounts.
   *
   * @param isRoot whether the layer is the command's root directory, rather than its working
   *     directory
   * @return the exit status of the command
   */
  int run(RWLayer layer, List<String> command, boolean isRoot) throws IOException {
    Path path;
    int status;
    try (Mount mount = layer.mount()) {
      path = mount.path().toAbsolutePath();
      ProcessBuilder builder = new ProcessBuilder(command);
      builder = isRoot ? mount.chroot(builder) : mount.enter(builder);
      status = new Foreground(layerstore.console(), layerstore.isJson()).run(builder);
    }
    layerstore
        .output()
        .print(
            out -> {},
            json -> {
              json.writeStringField("name", layer.name());
              json.writeStringField("path", path.toString());
              json.writeNumberField("exitStatus", status);
            });
    return status;
  }
}
