package io.layerstore.overlay2.linux;

import io.layerstore.ByteString;
import io.layerstore.overlay2.linux.wire.Protocol;

/**
 * A line of {@code /proc/self/mountinfo}.
 *
 * @param mountId the kernel's number of the mount
 * @param major the device it shows, upper part
 * @param minor the device it shows, lower part
 * @param fileSystem its type, such as {@code overlay}
 * @param source what it was made from; for overlay any word
 * @param path where it is, relative to the home it was asked for; empty for that home itself
 */
public record MountPoint(
    long mountId, long major, long minor, String fileSystem, String source, ByteString path) {

  /** Whether a store made it for as long as its process lives. */
  public boolean isOfProcess() {
    return source.equals(Protocol.SOURCE_OF_STORE);
  }
}
