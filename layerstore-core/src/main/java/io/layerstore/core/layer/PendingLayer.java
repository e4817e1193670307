package io.layerstore.core.layer;

import io.layerstore.ArchiveException;
import io.layerstore.ChainId;
import io.layerstore.Descriptor;
import io.layerstore.DiffId;
import io.layerstore.LayerSource;
import io.layerstore.LayerStoreException;
import io.layerstore.core.state.StoreContext;
import io.layerstore.core.work.Interrupts;
import io.layerstore.driver.Closing;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.DriverIds;
import io.layerstore.spi.LayerRecord;
import io.layerstore.spi.MetadataTransaction;
import io.layerstore.spi.WriteContext;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A layer in progress, alone or one of a batch: its transaction and its driver directory, which
 * stay or go together.
 *
 * <p>Until {@link #keep}, {@link #discard} removes both, driver first: the transaction is the
 * record of what remains to be removed.
 */
public final class PendingLayer {

  private final StoreContext store;
  private final String title;
  private final boolean isBelowComplete;
  private final String cacheId = DriverIds.random();
  private final List<WriteContext.Step> postponed = new ArrayList<>();
  private @Nullable MetadataTransaction transaction;
  private boolean created;
  private boolean kept;

  /**
   * @param title what failures and warnings call the layer
   * @param isBelowComplete whether the layers below are complete; else what needs them waits for
   *     {@link #complete}
   */
  PendingLayer(StoreContext store, String title, boolean isBelowComplete) {
    this.store = store;
    this.title = title;
    this.isBelowComplete = isBelowComplete;
  }

  String cacheId() {
    return cacheId;
  }

  boolean isCreated() {
    return created;
  }

  /** Begins the transaction and makes the directory; from here on there is something to discard. */
  void create(@Nullable String parentCacheId) throws LayerStoreException {
    if (transaction == null) {
      MetadataTransaction begun = store.metadata().begin(cacheId);
      transaction = begun;
      if (store.syncForcesMetadata()) {
        begun.deferForcing();
      }
    }
    try {
      store.driver().create(cacheId, parentCacheId, CreateOptions.DEFAULT);
    } catch (LayerStoreException e) {
      throw DriverFailures.named(title, e);
    }
    created = true;
  }

  /** Takes the archive in, into the directory that was made. */
  LayerIntake.Result unpack(
      LayerSource source,
      @Nullable String parentCacheId,
      ProgressReporter.OfLayer progress,
      String operation)
      throws LayerStoreException {
    try (LayerSources.Opened archive = LayerSources.open(source)) {
      return new LayerIntake(store, transaction(), isBelowComplete ? null : postponed::add)
          .takeIn(archive.stream(), title, cacheId, parentCacheId, progress);
    } catch (IOException e) {
      LayerStoreException failure = Interrupts.translate(operation, e);
      if (failure instanceof ArchiveException refusal) {
        throw source.name().map(refusal::in).orElse(refusal);
      }
      throw DriverFailures.named(title, failure);
    }
  }

  /** Does what waited for the layers below. */
  void complete() throws LayerStoreException {
    for (WriteContext.Step step : postponed) {
      step.run();
    }
    postponed.clear();
  }

  /** The record of what was taken in on {@code parent}. */
  LayerRecord record(
      LayerIntake.Result taken, @Nullable ChainId parent, @Nullable Descriptor descriptor) {
    DiffId diffId = taken.diffId();
    return new LayerRecord(
        ChainId.of(parent, diffId), diffId, parent, cacheId, taken.sizeBytes(), descriptor);
  }

  MetadataTransaction transaction() {
    if (transaction == null) {
      throw new IllegalStateException("no transaction was begun");
    }
    return transaction;
  }

  /**
   * The transaction was committed and names this driver directory: there is nothing to discard any
   * more.
   */
  void keep() {
    kept = true;
  }

  /** Removes everything, because the content exists already. */
  void discard() throws LayerStoreException {
    MetadataTransaction begun = transaction;
    if (begun == null || kept) {
      return;
    }
    kept = true;
    try {
      store
          .critical()
          .run(
              () -> {
                store.driver().remove(cacheId);
                begun.close();
              });
    } catch (LayerStoreException | RuntimeException | Error e) {
      begun.postpone();
      throw e;
    }
  }

  /**
   * Removes everything after {@code failure}; what cannot be removed is left for the next cleanup
   * or open, and the reason added to it.
   */
  void discard(Throwable failure) {
    Closing.after(failure, this::discard);
  }
}
