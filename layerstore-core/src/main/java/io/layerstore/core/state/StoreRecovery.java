package io.layerstore.core.state;

import io.layerstore.ChainId;
import io.layerstore.LayerStoreException;
import io.layerstore.RecoveryReport.Finding;
import io.layerstore.RecoveryReport.Kind;
import io.layerstore.StoreCorruptedException;
import io.layerstore.core.share.Participant;
import io.layerstore.driver.KeyedLock;
import io.layerstore.spi.DriverIds;
import io.layerstore.spi.MetadataStore.Leftover;
import io.layerstore.spi.MetadataStore.UnfinishedRWLayer;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finishes what a process that is gone, or a busy file system, left unfinished.
 *
 * <p>A driver directory is only removed if no layer or read-write layer uses it, whatever a
 * leftover says. What cannot be finished is reported, logged and left for the next time; it never
 * keeps the rest from being finished.
 */
@SuppressWarnings("try") // Locks and calls are held by scope, not by name.
public final class StoreRecovery {

  private static final Logger log = LoggerFactory.getLogger(StoreRecovery.class);

  private static final String SWEEP = "sweep";

  private final StoreContext store;
  private Set<String> usedIds = Set.of();

  /** The leases of stores that died before this began; what they left has no owner any more. */
  private final List<String> dead;

  private final List<Finding> findings = new ArrayList<>();

  public StoreRecovery(StoreContext store) {
    this.store = store;
    Participant participant = store.sharing().participant();
    this.dead = participant == null ? List.of() : participant.dead();
  }

  /**
   * Sweeps up after stores that have died while this one is open, if there are any. The caller
   * holds none of the store's locks. What fails is left to the next time.
   */
  public static void afterTheDead(StoreContext store) {
    Participant participant = store.sharing().participant();
    if (participant == null || store.options().readOnly() || participant.dead().isEmpty()) {
      return;
    }
    try (KeyedLock.Held held = store.sweepLock().acquire(SWEEP)) {
      if (!participant.dead().isEmpty()) {
        // It may not have said what it did.
        store.refreshEverything();
        StoreRecovery recovery = new StoreRecovery(store);
        store
            .critical()
            .run(
                () -> {
                  recovery.removeUnfinished();
                  recovery.finishRemovals();
                  // Nobody joins meanwhile, so that the driver knows whether it is alone.
                  store.sharing().withDoorClosed(isAlone -> store.driver().cleanup());
                });
      }
    } catch (LayerStoreException | RuntimeException e) {
      log.warn("what a dead process left is swept later", e);
    }
  }

  /**
   * Finishes transactions and creations of a process that is gone, and what was postponed. What
   * this process has under way, the metadata store does not list.
   */
  public void removeUnfinished() throws LayerStoreException {
    for (Leftover leftover : listed("layers begun", store.metadata()::unfinishedTransactions)) {
      String cacheId = leftover.cacheId();
      // Only a directory of the form the store itself makes up: BuildKit registers directories that
      // stay its own.
      boolean isOurs = cacheId != null && DriverIds.isMountId(cacheId);
      finish(leftover, isOurs, Kind.UNFINISHED_REGISTER, "a registration that was not finished");
    }
    for (UnfinishedRWLayer mount :
        listed("read-write layers begun", store.metadata()::unfinishedRWLayers)) {
      try {
        for (String id : mount.driverIds()) {
          removeFiles(id);
        }
        store.metadata().discardRWLayer(mount);
        found(
            new Finding(
                Kind.UNFINISHED_RW_LAYER,
                mount.key(),
                "a read-write layer that was temporary, or whose creation or removal was not finished, was"
                    + " removed"));
      } catch (LayerStoreException | RuntimeException e) {
        postpone(mount.key(), e);
      }
    }
  }

  /** Finishes deletions that were begun. */
  public void finishRemovals() throws LayerStoreException {
    for (Leftover leftover : listed("deletions begun", store.metadata()::unfinishedRemovals)) {
      finish(leftover, true, Kind.UNFINISHED_DELETION, "a deletion that was begun");
    }
    Participant participant = store.sharing().participant();
    if (participant != null) {
      participant.forget(dead);
    }
  }

  /** Lists something. */
  @FunctionalInterface
  private interface Listing<T> {
    List<T> list() throws LayerStoreException;
  }

  /** What is listed; nothing if the metadata is damaged where it would stand. */
  private <T> List<T> listed(String what, Listing<T> listing) throws LayerStoreException {
    try {
      List<T> left = listing.list();
      if (!left.isEmpty()) {
        // What is in the table counts as used, and its files would stay for ever: one who died in
        // the middle of a deletion did not say that there is one.
        store.refreshEverything();
        usedIds = store.table().driverIds();
      }
      return left;
    } catch (StoreCorruptedException e) {
      postpone(what, e);
      return List.of();
    }
  }

  private void finish(Leftover leftover, boolean removeFiles, Kind kind, String what) {
    ChainId chainId = leftover.chainId();
    if (chainId == null) {
      finishLocked(leftover, removeFiles, kind, what);
      return;
    }
    // A release of the same layer may be under way in this process.
    try (KeyedLock.Held held = store.chainLock().acquire(chainId)) {
      finishLocked(leftover, removeFiles, kind, what);
    }
  }

  private void finishLocked(Leftover leftover, boolean removeFiles, Kind kind, String what) {
    try {
      String cacheId = leftover.cacheId();
      if (cacheId != null && removeFiles) {
        removeFiles(cacheId);
      }
      store.metadata().discard(leftover);
      found(new Finding(kind, leftover.key(), what + " was cleaned up"));
    } catch (LayerStoreException | RuntimeException e) {
      postpone(leftover.key(), e);
    }
  }

  private void removeFiles(String id) throws LayerStoreException {
    if (!usedIds.contains(id)) {
      store.driver().remove(id);
    }
  }

  private void found(Finding finding) {
    findings.add(finding);
    log.info("{}: {}", finding.id(), finding.detail());
  }

  private void postpone(String key, Exception e) {
    log.warn("cleaning up {} is postponed", key, e);
    findings.add(
        new Finding(
            Kind.POSTPONED,
            key,
            "could not be cleaned up and will be tried again at the next cleanup or open: "
                + e.getMessage()));
  }

  /** What was done, and what remains. */
  public List<Finding> findings() {
    return findings;
  }
}
