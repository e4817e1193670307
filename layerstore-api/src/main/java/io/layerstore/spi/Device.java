package io.layerstore.spi;

/**
 * The number of a device.
 *
 * @param major the major number, 0 to 2^32-1
 * @param minor the minor number, 0 to 2^32-1
 */
public record Device(long major, long minor) {

  /** What overlayfs takes for a whiteout. */
  public static final Device WHITEOUT = new Device(0, 0);

  /**
   * Checks the numbers.
   *
   * @throws IllegalArgumentException if one is out of range
   */
  public Device {
    if (major < 0 || major > 0xffff_ffffL || minor < 0 || minor > 0xffff_ffffL) {
      throw new IllegalArgumentException("device number out of range: " + major + ":" + minor);
    }
  }
}
