package io.layerstore;

import org.jspecify.annotations.Nullable;

/**
 * How to mount a layer. Immutable.
 *
 * @param mountLabel the SELinux label of the files in the mount, or null for none
 * @param isPersistent whether the kernel mount stays when the {@link Mount} or the store is closed
 *     and the process ends
 */
public record MountOptions(@Nullable String mountLabel, boolean isPersistent) {

  /** No label, not persistent. */
  public static final MountOptions DEFAULT = new MountOptions(null, false);

  /**
   * A mount that outlives this process, found again by the next store that opens the root. Needs a
   * driver and rights for which that is possible: vfs, where a mount is a plain directory, or
   * overlay2 as root.
   */
  public static MountOptions persistent() {
    return new MountOptions(null, true);
  }

  /** These options with the SELinux label {@code label}. */
  public MountOptions withMountLabel(String label) {
    return new MountOptions(label, isPersistent);
  }
}
