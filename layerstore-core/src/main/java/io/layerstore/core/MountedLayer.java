package io.layerstore.core;

import io.layerstore.RWLayerInfo;
import io.layerstore.spi.MountRecord;
import org.jspecify.annotations.Nullable;

/**
 * The node of one read-write layer in the store's table. The counts are guarded by the lock of
 * {@link LayerTable}.
 */
final class MountedLayer {

  private final MountRecord record;
  private final @Nullable RoLayer parent;
  private int handles;
  private int mounts;

  MountedLayer(MountRecord record, @Nullable RoLayer parent) {
    this.record = record;
    this.parent = parent;
  }

  MountRecord record() {
    return record;
  }

  String name() {
    return record.name();
  }

  String mountId() {
    return record.mountId();
  }

  @Nullable RoLayer parent() {
    return parent;
  }

  /** The driver id of what it stands on: its init layer, else its parent, else nothing. */
  @Nullable String driverParent() {
    if (record.initId() != null) {
      return record.initId();
    }
    return parent == null ? null : parent.cacheId();
  }

  // What follows is called with the table's lock held.

  int handles() {
    return handles;
  }

  void addHandle() {
    handles++;
  }

  void removeHandle() {
    handles--;
  }

  int mounts() {
    return mounts;
  }

  void addMount() {
    mounts++;
  }

  void removeMount() {
    mounts--;
  }

  RWLayerInfo info() {
    return new RWLayerInfo(
        record.name(), record.mountId(), record.initId(), record.parent(), mounts);
  }
}
