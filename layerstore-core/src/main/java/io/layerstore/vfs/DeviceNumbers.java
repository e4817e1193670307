package io.layerstore.vfs;

import io.layerstore.spi.Device;

/** The numbers inside a Linux {@code dev_t}, as glibc's {@code makedev} packs them. */
final class DeviceNumbers {

  private DeviceNumbers() {}

  static Device decode(long device) {
    long major = ((device >>> 8) & 0xfff) | ((device >>> 32) & 0xffff_f000L);
    long minor = (device & 0xff) | ((device >>> 12) & 0xffff_ff00L);
    return new Device(major, minor);
  }
}
