package io.layerstore.core.state;

import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The names in a data root, whoever put them there.
 *
 * <pre>
 * ROOT/layerstore.lock    held while a store can write, see {@link StoreLock}
 * ROOT/layerstore/        who shares the root, see {@link io.layerstore.core.share.Participant}
 * ROOT/image/DRIVER/      metadata of one driver's layers and images
 * ROOT/DRIVER/            the driver's home: the files of layers
 * ROOT/tmp/               temporary files; a dockerd empties it when it starts
 * ROOT/.layerstore-probe*, ROOT/check-overlayfs-support*    what choosing a driver tries out
 * ROOT/buildkit/          a dockerd's: its build cache refers to layers
 * ROOT/containers/        a dockerd's: its containers refer to images and layers
 * ROOT/containerd/        a dockerd's that keeps images in containerd
 * </pre>
 */
public final class DataRoot {

  static final String LOCK_FILE = "layerstore.lock";

  static final String SHARING = "layerstore";

  /** Where the metadata of all drivers is. */
  static final String IMAGE = "image";

  static final String TEMPORARY = "tmp";

  public static final String OVERLAY2 = "overlay2";
  public static final String VFS = "vfs";

  /**
   * Drivers of Docker's whose layers a root may hold. {@code vfs} is not among them, as in Docker.
   */
  public static final List<String> DOCKER_DRIVERS =
      List.of(OVERLAY2, "fuse-overlayfs", "btrfs", "zfs");

  /** Drivers of Docker's that are no longer, or are of another operating system. */
  static final List<String> OTHER_DRIVERS =
      List.of("aufs", "devicemapper", "overlay", "windowsfilter", "lcow");

  static final String BUILDKIT = "buildkit";
  static final String CONTAINERD = "containerd";

  /** Below {@code image/DRIVER}. */
  static final String LAYER_DATABASE = "layerdb";

  /** Below {@code image/DRIVER}. */
  public static final String IMAGE_DATABASE = "imagedb";

  private static final Pattern PROBE =
      Pattern.compile("\\.layerstore-probe[0-9]+|check-overlayfs-support[0-9a-f]+");

  private DataRoot() {}

  /** Where a dockerd keeps its build cache. */
  public static Path buildKit(Path root) {
    return root.resolve(BUILDKIT);
  }

  /** Whether a directory of this name in the root was made to try a driver out. */
  public static boolean isProbe(String name) {
    return PROBE.matcher(name).matches();
  }

  /** The directory for temporary files. */
  public static Path temporaryDirectory(Path root) {
    return root.resolve(TEMPORARY);
  }
}
