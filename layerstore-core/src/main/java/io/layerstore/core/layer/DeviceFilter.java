package io.layerstore.core.layer;

import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.DevicePolicy;
import io.layerstore.LayerPath;
import io.layerstore.driver.PathSet;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.TreeEntry;
import java.util.Objects;

/**
 * Keeps devices out of a tree, for all drivers alike. Used for one archive, by one thread, with
 * every entry in order.
 */
final class DeviceFilter {

  private final DevicePolicy policy;
  private final UnpackContext context;
  private final PathSet leftOut = new PathSet();

  /** Those of {@link #leftOut} that a later entry made after all. */
  private final PathSet made = new PathSet();

  DeviceFilter(DevicePolicy policy, UnpackContext context) {
    this.policy = policy;
    this.context = context;
  }

  /**
   * Whether entry number {@code index} must not be made: a device, or a hard link to one that was
   * not made.
   *
   * @throws ArchiveException if it is a device and those are refused
   */
  boolean leavesOut(long index, TreeEntry entry) throws ArchiveException {
    LayerPath path = entry.path();
    boolean isDevice =
        entry.type() == EntryType.CHARACTER_DEVICE || entry.type() == EntryType.BLOCK_DEVICE;
    if (isDevice && policy == DevicePolicy.REFUSE) {
      throw new ArchiveException(
          Kind.UNSUPPORTED_ENTRY,
          index,
          path.toString(),
          "it is a device, and this store was opened with DevicePolicy.REFUSE; with SKIP they are"
              + " left out");
    }
    if ((isDevice && policy == DevicePolicy.SKIP) || isLinkToLeftOut(entry)) {
      context.warn(path, "left out: this store was told to skip devices");
      leftOut.add(path);
      return true;
    }
    if (leftOut.contains(path)) {
      made.add(path);
    }
    return false;
  }

  private boolean isLinkToLeftOut(TreeEntry entry) {
    if (entry.type() != EntryType.HARD_LINK) {
      return false;
    }
    LayerPath target = Objects.requireNonNull(entry.linkTarget());
    return leftOut.contains(target) && !made.contains(target);
  }
}
