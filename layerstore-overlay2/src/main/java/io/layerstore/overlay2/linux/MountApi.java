package io.layerstore.overlay2.linux;

/** The system calls that make a mount. */
public enum MountApi {
  /** Whichever the kernel has, the newer first. */
  ANY,
  /**
   * {@code fsopen}, {@code fsconfig}, {@code fsmount}, {@code move_mount}: any number of layers,
   * Linux 6.7.
   */
  NEW,
  /** {@code mount}: what fits in one page of options. */
  CLASSIC
}
