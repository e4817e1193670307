package io.layerstore;

/**
 * What becomes of the character and block devices in archives that are unpacked. Whiteouts are no
 * devices in this sense, whatever type they have, and FIFOs are not either.
 */
public enum DevicePolicy {
  /** They are made, as Docker does, where the driver and the user can. */
  ALLOW,
  /**
   * They are not made, nor are hard links to them; what is at their paths stays. A warning is
   * logged. The layer's own archive is still exported exactly, but devices are in no mount and in
   * no difference.
   */
  SKIP,
  /** An archive with one is refused as an {@link ArchiveException.Kind#UNSUPPORTED_ENTRY}. */
  REFUSE
}
