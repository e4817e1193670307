package io.layerstore.core.layer;

import io.layerstore.LayerStoreException;
import io.layerstore.core.state.StoreContext;
import io.layerstore.driver.Closing;
import io.layerstore.spi.MetadataTransaction;
import org.jspecify.annotations.Nullable;

/**
 * A layer that is being made: its transaction and its driver directory, which stay or go together.
 *
 * <p>Until {@link #keep}, {@link #discard} removes both, driver first: the transaction is the
 * record of what remains to be removed.
 */
public final class PendingLayer {

  private final StoreContext store;
  private final String cacheId;
  private @Nullable MetadataTransaction transaction;
  private boolean kept;

  PendingLayer(StoreContext store, String cacheId) {
    this.store = store;
    this.cacheId = cacheId;
  }

  /** Begins the transaction; from here on there is something to discard. */
  MetadataTransaction begin() throws LayerStoreException {
    MetadataTransaction begun = store.metadata().begin(cacheId);
    transaction = begun;
    return begun;
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
