package io.layerstore;

import java.nio.file.Path;
import java.util.Objects;

/**
 * Where a mount is that is not in the namespaces of this process. {@link Mount#enter} needs none of
 * this; other programs do:
 *
 * <pre>{@code
 * nsenter --target PID --user --mount --preserve-credentials --wd=/proc/PID/root/PATH COMMAND
 * }</pre>
 *
 * @param pid a process in the user and mount namespace of the mount; both last as long as the mount
 * @param path where the mount is there
 */
public record MountNamespace(long pid, Path path) {

  /** Checks that both are there. */
  public MountNamespace {
    Objects.requireNonNull(path, "path");
  }
}
