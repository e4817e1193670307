package io.layerstore.core.layer;

import io.layerstore.DriverException;
import io.layerstore.LayerStoreException;
import io.layerstore.MountBusyException;

/** The driver knows its own ids only; who calls it knows what the user calls the layer. */
final class DriverFailures {
  private DriverFailures() {}

  /**
   * The failure with the user's word for the layer, if it is the driver's.
   *
   * @param layer what the user calls it, such as {@code read-write layer work}
   */
  static LayerStoreException named(String layer, LayerStoreException failure) {
    return failure instanceof DriverException ofDriver ? ofDriver.named(layer) : failure;
  }

  /** The same, of what is mounted and may be in use. */
  static LayerStoreException named(String layer, String name, LayerStoreException failure) {
    return failure instanceof MountBusyException busy
        ? new MountBusyException(name, busy.holders(), busy)
        : named(layer, failure);
  }
}
