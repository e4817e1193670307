package io.layerstore.core.state;

import io.layerstore.ChainId;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerStoreException;
import io.layerstore.RWLayerNotFoundException;
import io.layerstore.core.share.ClaimKind;
import io.layerstore.core.share.Participant;
import io.layerstore.spi.LayerRecord;
import io.layerstore.spi.RWLayerRecord;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the table of a store in step with the disk, which other stores change.
 *
 * <p>A layer that is taken is claimed first and looked at then: as long as no deletion was
 * announced since the last look, whoever deletes it later sees the claim. Otherwise the disk is
 * looked at again. What is not in the table is looked for on the disk before it is said not to be
 * there.
 */
public final class StoreRefresh {

  private static final Logger log = LoggerFactory.getLogger(StoreRefresh.class);

  private static final long PAUSE_NANOS = 100_000;

  private final StoreContext store;
  private final LayerTable table;
  private final Sharing sharing;

  StoreRefresh(StoreContext store) {
    this.store = store;
    this.table = store.table();
    this.sharing = store.sharing();
  }

  /** Takes a layer out of the table in one way or another, or gives null. */
  private interface Take extends Function<ChainId, @Nullable RoLayer> {}

  @Nullable RoLayer retain(ChainId chainId) throws LayerStoreException {
    return take(chainId, table::retainIfPresent, table::dropHandle);
  }

  @Nullable RoLayer pin(ChainId chainId) throws LayerStoreException {
    return take(chainId, table::pinIfPresent, table::unpin);
  }

  /** The layer as it is on the disk, which nobody changes for the caller has the lock of it. */
  @Nullable RoLayer find(ChainId chainId) throws LayerStoreException {
    RoLayer layer = pin(chainId);
    if (layer != null) {
      table.unpin(layer);
    }
    return layer;
  }

  private @Nullable RoLayer take(ChainId chainId, Take take, Consumer<RoLayer> drop)
      throws LayerStoreException {
    Participant participant = sharing.participant();
    if (participant == null) {
      return take.apply(chainId);
    }
    while (true) {
      if (participant.replacements() != sharing.replacementsSeen()) {
        followReplacements(participant);
      }
      RoLayer layer = take.apply(chainId);
      if (layer != null) {
        long deletions = participant.deletions();
        if (layer.seenDeletions() == deletions) {
          return layer;
        }
        boolean isThere;
        try {
          awaitDeletionElsewhere(participant, chainId);
          isThere = isOnDisk(layer);
        } catch (LayerStoreException | RuntimeException e) {
          drop.accept(layer);
          throw e;
        }
        if (isThere) {
          layer.setSeenDeletions(deletions);
          return layer;
        }
        drop.accept(layer);
        synchronized (sharing.looking()) {
          mounts(); // One that is gone would keep it here.
          table.forget(chainId);
        }
        if (table.find(chainId) != null) {
          return null; // Held here, and yet somebody has removed it by hand.
        }
      }
      while (sharing.deleting().contains(chainId)) {
        LockSupport.parkNanos(PAUSE_NANOS);
      }
      awaitDeletionElsewhere(participant, chainId);
      if (!load(chainId)) {
        return null;
      }
    }
  }

  private static void awaitDeletionElsewhere(Participant participant, ChainId chainId) {
    boolean isInterrupted = false;
    while (participant.isClaimedElsewhere(ClaimKind.DELETION, chainId.toString())) {
      isInterrupted |= Thread.interrupted();
      LockSupport.parkNanos(PAUSE_NANOS);
    }
    if (isInterrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean isOnDisk(RoLayer layer) throws LayerStoreException {
    try {
      return store.metadata().cacheId(layer.chainId()).equals(layer.cacheId());
    } catch (LayerNotFoundException e) {
      return false;
    } catch (LayerStoreException e) {
      log.debug("cannot look at layer {} again", layer.chainId(), e);
      return true;
    }
  }

  /**
   * Loads a layer, and those below it, that are on the disk; false if it is not, or cannot be used.
   */
  private boolean load(ChainId chainId) {
    synchronized (sharing.looking()) {
      return table.find(chainId) != null || loadNow(chainId);
    }
  }

  private boolean loadNow(ChainId chainId) {
    if (sharing.deleting().contains(chainId)) {
      return false;
    }
    try {
      LayerRecord record = store.metadata().layer(chainId);
      ChainId parentId = record.parent();
      if (parentId != null && !isKnownAsOnDisk(parentId) && !loadNow(parentId)) {
        return false;
      }
      RoLayer parent = parentId == null ? null : table.pinIfPresent(parentId);
      if (parentId != null && parent == null) {
        return false;
      }
      try {
        String problem = new StoreLoader(store).add(record);
        if (problem != null) {
          log.debug("layer {} cannot be loaded: {}", chainId, problem);
        } else {
          trustIfMadeMeanwhile(chainId);
        }
        return problem == null;
      } finally {
        if (parent != null) {
          table.unpin(parent);
        }
      }
    } catch (LayerStoreException e) {
      log.debug("layer {} cannot be loaded: {}", chainId, e.getMessage());
      return false;
    }
  }

  /**
   * What a store has made since this one was opened is as good as what this one makes: no look at
   * all its files tells more.
   */
  private void trustIfMadeMeanwhile(ChainId chainId) {
    RoLayer layer = table.find(chainId);
    if (layer != null
        && layer.health() == RoLayer.Health.UNKNOWN
        && sharing.isMadeMeanwhile(chainId)) {
      layer.setHealth(RoLayer.Health.SOUND);
    }
  }

  /** Others may have deleted it and made it again since it was looked at. */
  private boolean isKnownAsOnDisk(ChainId chainId) throws LayerStoreException {
    RoLayer layer = table.find(chainId);
    if (layer == null || isOnDisk(layer)) {
      return layer != null;
    }
    table.forget(chainId);
    return false;
  }

  /** A healed layer may be kept in another directory, whoever holds it. */
  private void followReplacements(Participant participant) throws LayerStoreException {
    synchronized (sharing.looking()) {
      long replacements = participant.replacements();
      for (ChainId chainId : table.chainIds()) {
        RoLayer layer = table.find(chainId);
        try {
          if (layer != null && !store.metadata().cacheId(chainId).equals(layer.cacheId())) {
            layer.heal(store.metadata().layer(chainId));
            layer.setHealth(RoLayer.Health.UNKNOWN);
          }
        } catch (LayerStoreException e) {
          log.debug("layer {} cannot be looked at: {}", chainId, e.getMessage());
        }
      }
      sharing.setReplacementsSeen(replacements);
    }
  }

  /** Follows what others have published and deleted, if they have; waits for nobody. */
  void all() throws LayerStoreException {
    Participant participant = sharing.participant();
    if (participant == null) {
      return;
    }
    Sharing.Counts counts = Sharing.Counts.of(participant);
    if (sharing.seen().equals(counts) || participant.isAloneSince(sharing.seen().members())) {
      return;
    }
    synchronized (sharing.looking()) {
      Sharing.Counts seen = sharing.seen();
      if (!counts.hasSameLayers(seen)) {
        mounts();
        layers(); // After those on them.
      }
      if (counts.imageChanges() != seen.imageChanges()) {
        for (Sharing.Follower follower : sharing.followers()) {
          follower.follow();
        }
      }
      sharing.setSeen(counts);
    }
  }

  /** Looks at everything, whatever was announced: one who died may not have said what it did. */
  void everything() throws LayerStoreException {
    if (!sharing.isShared()) {
      return;
    }
    synchronized (sharing.looking()) {
      mounts();
      layers();
      for (Sharing.Follower follower : sharing.followers()) {
        follower.follow();
      }
      layers(); // What an image held that is gone.
    }
  }

  private void layers() throws LayerStoreException {
    Set<ChainId> present = new HashSet<>(store.metadata().layers());
    for (ChainId chainId : table.chainIds()) {
      RoLayer layer = table.find(chainId);
      if (layer != null && !present.contains(chainId) && !isOnDisk(layer)) {
        table.forget(chainId);
      }
    }
    for (ChainId chainId : present) {
      if (table.find(chainId) == null) {
        loadNow(chainId);
      }
    }
  }

  private void mounts() throws LayerStoreException {
    Set<String> present = new HashSet<>(store.metadata().rwLayers());
    for (MountedLayer layer : table.allMounts()) {
      present.remove(layer.name());
      mount(layer.name());
    }
    for (String name : present) {
      mount(name);
    }
  }

  /** Follows what others have done to the read-write layer of one name. */
  void mount(String name) throws LayerStoreException {
    if (!sharing.isShared()) {
      return;
    }
    synchronized (sharing.looking()) {
      MountedLayer known = table.findMount(name);
      if (known != null && known.isTemporary()) {
        return;
      }
      RWLayerRecord record;
      try {
        record = store.metadata().rwLayer(name);
      } catch (RWLayerNotFoundException e) {
        if (known != null) {
          table.forgetMount(known);
        }
        return;
      } catch (LayerStoreException e) {
        log.debug("read-write layer {} cannot be looked at: {}", name, e.getMessage());
        return;
      }
      if (known != null && !known.mountId().equals(record.mountId())) {
        table.forgetMount(known);
      }
      if (table.findMount(name) == null) {
        ChainId parentId = record.parent();
        if (parentId == null || isKnownAsOnDisk(parentId) || loadNow(parentId)) {
          String problem = new StoreLoader(store).loadMount(record);
          if (problem != null) {
            log.debug("read-write layer {} cannot be loaded: {}", name, problem);
          }
        }
      }
    }
  }
}
