package io.layerstore.overlay2.linux;

import io.layerstore.IdMapping;
import io.layerstore.overlay2.linux.wire.Protocol;
import java.util.Objects;

/**
 * How a layer is unpacked. Immutable.
 *
 * @param idMapping how owners are shown on the host; an owner that it does not have is an error
 * @param ignoresOwners whether all files belong to the user who unpacks
 * @param allowsWhiteoutDevices whether a 0/0 character device that is an entry of its own is made,
 *     and so deletes a path, as Docker does it; else it is refused
 * @param maxFileSizeBytes the limit of every single file, 0 for none
 */
public record WriteSettings(
    IdMapping idMapping,
    boolean ignoresOwners,
    boolean allowsWhiteoutDevices,
    long maxFileSizeBytes) {

  /** The driver option that allows such devices. */
  public static final String WHITEOUT_DEVICES_OPTION = "overlay2.allow_whiteout_devices";

  /** Owners as they are, devices that delete refused. */
  public static final WriteSettings DEFAULT =
      new WriteSettings(IdMapping.IDENTITY, false, false, 0);

  /** Rejects null. */
  public WriteSettings {
    Objects.requireNonNull(idMapping, "idMapping");
  }

  int flags() {
    return (ignoresOwners ? Protocol.START_IGNORE_OWNERS : 0)
        | (allowsWhiteoutDevices ? Protocol.START_ALLOW_WHITEOUT_DEVICE : 0);
  }
}
