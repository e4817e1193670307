package io.layerstore.core.layer;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LayerVerificationException;
import io.layerstore.MaxDepthExceededException;
import io.layerstore.Progress.Phase;
import io.layerstore.core.state.RoLayer;
import io.layerstore.core.state.StoreContext;
import io.layerstore.core.work.Interrupts;
import io.layerstore.spi.LayerRecord;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A missing layer of a {@link LayerBatch}: it stands on another one of the batch, on a layer of the
 * store, or on nothing. Unpacked by one thread; others may make its directory.
 */
final class BatchLayer {

  private final LayerBatch.Wanted wanted;
  private final @Nullable BatchLayer parent;
  private final @Nullable RoLayer ground;
  private final int depth;
  private final boolean isDamaged;
  private final boolean copies;
  private final ProgressReporter progress;
  private final PendingLayer inProgress;
  private volatile LayerIntake.@Nullable Result taken;

  /**
   * @param parent the layer below, if it is one of the batch
   * @param ground the layer below, if it is in the store
   * @param isDamaged whether the layer is in the store, and damaged
   * @throws MaxDepthExceededException if the chain would become too long
   */
  BatchLayer(
      StoreContext store,
      LayerBatch.Wanted wanted,
      @Nullable BatchLayer parent,
      @Nullable RoLayer ground,
      boolean isDamaged,
      ProgressReporter progress)
      throws MaxDepthExceededException {
    this.wanted = wanted;
    this.parent = parent;
    this.ground = ground;
    this.depth = 1 + (parent != null ? parent.depth : ground != null ? ground.depth() : 0);
    if (depth > LayerStore.MAX_DEPTH) {
      throw new MaxDepthExceededException(LayerStore.MAX_DEPTH);
    }
    this.isDamaged = isDamaged;
    this.copies = store.driver().traits().executesWhiteouts();
    this.progress = progress;
    this.inProgress = new PendingLayer(store, "layer " + wanted.chainId(), copies);
  }

  LayerBatch.Wanted wanted() {
    return wanted;
  }

  ChainId chainId() {
    return wanted.chainId();
  }

  boolean isDamaged() {
    return isDamaged;
  }

  PendingLayer inProgress() {
    return inProgress;
  }

  /** What was taken in; null until then. */
  LayerIntake.@Nullable Result taken() {
    return taken;
  }

  boolean isUnpacked() {
    return taken != null;
  }

  /** Whether nothing below keeps it from being unpacked. */
  boolean isReady() {
    for (BatchLayer layer = this; layer != null; layer = layer.parent) {
      if (layer.isDamaged || (copies && layer != this && !layer.isUnpacked())) {
        return false;
      }
    }
    return true;
  }

  private @Nullable String parentCacheId() {
    if (parent != null) {
      return parent.inProgress.cacheId();
    }
    return ground == null ? null : ground.cacheId();
  }

  /** Makes the layer's directory, and those below that are missing. */
  private synchronized void ensureCreated() throws LayerStoreException {
    if (!inProgress.isCreated()) {
      if (parent != null) {
        parent.ensureCreated();
      }
      inProgress.create(parentCacheId());
    }
  }

  ProgressReporter.OfLayer progress() {
    return progress.layer(wanted.image(), wanted.diffId());
  }

  /** Unpacks an archive of {@code archiveBytes}, if that is known. */
  void unpack(LayerSource source, OptionalLong archiveBytes) throws LayerStoreException {
    Interrupts.check(LayerBatch.OPERATION);
    ProgressReporter.OfLayer counts = progress();
    counts.expect(archiveBytes);
    counts.phase(Phase.UNPACKING);
    ensureCreated();
    LayerIntake.Result result =
        inProgress.unpack(source, parentCacheId(), counts, LayerBatch.OPERATION);
    DiffId diffId = result.diffId();
    DiffId expected = wanted.diffId();
    if (!diffId.equals(expected)) {
      throw new LayerVerificationException(
          "invalid diffID for layer "
              + (depth - 1)
              + ": expected \""
              + expected
              + "\", got \""
              + diffId
              + "\"; get the archive again from its source",
          expected.digest(),
          diffId.digest());
    }
    taken = result;
  }

  LayerRecord record() {
    LayerIntake.Result result = taken;
    if (result == null) {
      throw new IllegalStateException("layer " + chainId() + " is not unpacked");
    }
    return inProgress.record(result, wanted.parent(), null);
  }
}
