package io.layerstore.core.state;

import io.layerstore.RWLayerInfo;
import io.layerstore.spi.MetadataStore.UnfinishedRWLayer;
import io.layerstore.spi.RWLayerRecord;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The node of one read-write layer in the store's table. The counts are guarded by the lock of
 * {@link LayerTable}.
 */
public final class MountedLayer {

  private final RWLayerRecord record;
  private final @Nullable RoLayer parent;
  private final @Nullable UnfinishedRWLayer unfinished;
  private int handles;
  private int mounts;

  /** What tells other processes that it is open. */
  private int claim;

  public MountedLayer(RWLayerRecord record, @Nullable RoLayer parent) {
    this(record, parent, null);
  }

  private MountedLayer(
      RWLayerRecord record, @Nullable RoLayer parent, @Nullable UnfinishedRWLayer unfinished) {
    this.record = record;
    this.parent = parent;
    this.unfinished = unfinished;
  }

  /**
   * One that goes with its last handle and mount. On disk it stays {@code unfinished}, so that the
   * next process removes what a killed one leaves of it, as of any that it did not finish.
   */
  public static MountedLayer temporary(
      RWLayerRecord record, @Nullable RoLayer parent, UnfinishedRWLayer unfinished) {
    return new MountedLayer(record, parent, unfinished);
  }

  /** What the metadata store has of it if it is temporary, else null. */
  public @Nullable UnfinishedRWLayer unfinished() {
    return unfinished;
  }

  public boolean isTemporary() {
    return unfinished != null;
  }

  public RWLayerRecord record() {
    return record;
  }

  public String name() {
    return record.name();
  }

  public String mountId() {
    return record.mountId();
  }

  public @Nullable RoLayer parent() {
    return parent;
  }

  /** The driver id of what it stands on: its init layer, else its parent, else nothing. */
  public @Nullable String driverParent() {
    if (record.initId() != null) {
      return record.initId();
    }
    return parent == null ? null : parent.cacheId();
  }

  // What follows is called with the table's lock held.

  boolean isUsed() {
    return handles > 0 || mounts > 0;
  }

  int claim() {
    return claim;
  }

  void setClaim(int newClaim) {
    claim = newClaim;
  }

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
        record.name(),
        record.mountId(),
        Optional.ofNullable(record.initId()),
        Optional.ofNullable(record.parent()),
        mounts);
  }
}
