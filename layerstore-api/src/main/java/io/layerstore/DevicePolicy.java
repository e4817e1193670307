package io.layerstore;

/**
 * What to do with character and block devices when an archive is unpacked. Neither whiteouts nor
 * FIFOs count as devices here.
 */
public enum DevicePolicy {
  /** Create them, as Docker does, where driver and user can. */
  ALLOW,
  /**
   * Leave them out, and hard links to them; whatever is at their paths stays. A warning is logged.
   * The layer's archive is still exported byte for byte, but mounts and differences have no
   * devices.
   */
  SKIP,
  /** Refuse an archive that has one, as {@link ArchiveException.Kind#UNSUPPORTED_ENTRY}. */
  REFUSE
}
