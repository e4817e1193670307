package io.layerstore.core.state;

import io.layerstore.ChainId;
import io.layerstore.Durability;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerStoreException;
import io.layerstore.ReadOnlyStoreException;
import io.layerstore.StoreOptions;
import io.layerstore.core.docker.BuildKitCache;
import io.layerstore.core.share.ClaimKind;
import io.layerstore.core.share.Participant;
import io.layerstore.core.work.CriticalWork;
import io.layerstore.driver.KeyedLock;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.MetadataStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.stream.Stream;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;

/**
 * What the parts of one open store share.
 *
 * <h2>Locks</h2>
 *
 * <p>In the order in which they may be taken:
 *
 * <ol>
 *   <li>{@link #sweepLock}: sweeping up after those who died. Its holder has none of the others
 *       when it takes it.
 *   <li>{@link #nameLock}: the creation, removal, mounting and unmounting of the read-write layer
 *       of one name.
 *   <li>{@link #chainLock}: the publication, healing and deletion of the layer of one chain ID;
 *       also its unpacking, when the caller says beforehand which chain ID it will have, so that
 *       several callers do the work once. Loading images holds those of all its new layers, taken
 *       in the order of the chain IDs; nobody else holds two at a time.
 *   <li>{@link #mountLock}: the mounting and unmounting of what the driver has by an ID, among all
 *       stores.
 *   <li>The lock inside {@link LayerTable}: the tables and all reference counts. Nothing is read or
 *       written under it.
 * </ol>
 *
 * <p>No lock spans the store while bytes move.
 *
 * @param options how the store was opened
 * @param metadata where the facts about layers are
 * @param driver where the files of layers are
 * @param table the layers and who holds them
 * @param executor what runs concurrent stages
 * @param critical runs what must not be interrupted
 * @param lifecycle whether the store is open
 * @param chainLock see above
 * @param nameLock see above
 * @param mountLock see above
 * @param sweepLock see above
 * @param buildKit layers that others than this store refer to
 * @param sharing the other stores on the root
 */
public record StoreContext(
    StoreOptions options,
    MetadataStore metadata,
    GraphDriver driver,
    LayerTable table,
    Executor executor,
    CriticalWork critical,
    StoreLifecycle lifecycle,
    KeyedLock<ChainId> chainLock,
    KeyedLock<String> nameLock,
    KeyedLock<String> mountLock,
    KeyedLock<String> sweepLock,
    BuildKitCache buildKit,
    Sharing sharing) {

  /** The layer with one more handle, as it is on the disk. */
  public RoLayer retain(ChainId chainId) throws LayerStoreException {
    return required(chainId, retainIfPresent(chainId));
  }

  /** The layer with one more handle, as it is on the disk; null if there is none. */
  public @Nullable RoLayer retainIfPresent(ChainId chainId) throws LayerStoreException {
    return new StoreRefresh(this).retain(chainId);
  }

  /** The layer with one more pin, as it is on the disk. */
  public RoLayer pin(ChainId chainId) throws LayerStoreException {
    return required(chainId, new StoreRefresh(this).pin(chainId));
  }

  /** The layer as it is on the disk, for one who has the lock of its chain ID; or null. */
  public @Nullable RoLayer find(ChainId chainId) throws LayerStoreException {
    return new StoreRefresh(this).find(chainId);
  }

  /**
   * The layer that {@code layer} is now, for one who has the lock of its chain ID: others may have
   * deleted it and made it again, in another directory of the driver.
   *
   * @return null if it is gone, or if this store uses it
   */
  public @Nullable RoLayer ifUnusedAsOnDisk(RoLayer layer) throws LayerStoreException {
    if (!sharing.isShared()) {
      return layer;
    }
    return table.isUsed(layer) ? null : find(layer.chainId());
  }

  private static RoLayer required(ChainId chainId, @Nullable RoLayer layer)
      throws LayerNotFoundException {
    if (layer == null) {
      throw new LayerNotFoundException(chainId.toString());
    }
    return layer;
  }

  /** The read-write layer as it is on the disk, for one who has the lock of its name; or null. */
  public @Nullable MountedLayer findMount(String name) throws LayerStoreException {
    new StoreRefresh(this).mount(name);
    return table.findMount(name);
  }

  /** Hides a layer, or finds that it is held. */
  @FunctionalInterface
  public interface Hiding<T> {
    @Nullable T hide() throws LayerStoreException;
  }

  /**
   * Hides a layer unless another store holds it, or {@code hiding} finds that this one does. The
   * caller has the lock of its chain ID.
   *
   * <p>The deletion is claimed and announced first, and the others' claims are looked at then:
   * whoever takes the layer has claimed it before, or sees the announcement and waits until this is
   * over. Then what others have put on it is looked for; they held it until that could be seen.
   *
   * @return what {@code hiding} gave; null if it stays
   */
  public <T> @Nullable T hideIfUnheld(RoLayer layer, Hiding<T> hiding) throws LayerStoreException {
    Participant participant = sharing.participant();
    if (participant == null) {
      return hiding.hide();
    }
    ChainId chainId = layer.chainId();
    if (isHeld(layer)) {
      return null;
    }
    requireWritable();
    sharing.deleting().add(chainId);
    int claim = participant.claim(ClaimKind.DELETION, chainId.toString());
    try {
      participant.announceDeletion();
      if (participant.isClaimedElsewhere(ClaimKind.LAYER, chainId.toString())) {
        return null;
      }
      refresh();
      return hiding.hide();
    } finally {
      participant.clear(claim);
      sharing.deleting().remove(chainId);
      sharing.published();
    }
  }

  /**
   * Whether this store or another one holds a layer. Of two that give back the last two holds on it
   * at the same time, at least one finds that nobody does.
   */
  public boolean isHeld(RoLayer layer) throws LayerStoreException {
    if (table.isUsed(layer)) {
      return true;
    }
    refresh(); // What an image or a layer that is gone has held is not held any more.
    Participant participant = sharing.participant();
    return table.isHeld(layer)
        || (participant != null
            && participant.isClaimedElsewhere(ClaimKind.LAYER, layer.chainId().toString()));
  }

  /** Follows what other stores have done to the root. */
  public void refresh() throws LayerStoreException {
    StoreLoader.refreshIfReadOnly(this);
    new StoreRefresh(this).all();
  }

  /** Looks at everything on the disk, as is due when another store has died. */
  void refreshEverything() throws LayerStoreException {
    new StoreRefresh(this).everything();
  }

  /** What a person is told of who holds {@code layer} outside this store; empty if nobody does. */
  public List<String> otherHolders(RoLayer layer) {
    List<String> holders = new ArrayList<>(docker(layer));
    holders.addAll(sharing.holders(ClaimKind.LAYER, layer.chainId().toString()));
    return holders;
  }

  /** What else in the root than stores of this library holds {@code layer}. */
  public List<String> docker(RoLayer layer) {
    return buildKit.holders(layer.chainId(), table::chainIds);
  }

  /** The same for all layers in the table, without those that nobody holds. */
  public Map<ChainId, List<String>> otherHolders() {
    Map<ChainId, List<String>> holders = new HashMap<>(buildKit.holders(table.chainIds()));
    sharing
        .holders(ClaimKind.LAYER)
        .forEach(
            (key, users) ->
                holders.merge(
                    ChainId.parse(key),
                    users,
                    (docker, processes) ->
                        Stream.concat(docker.stream(), processes.stream()).toList()));
    return holders;
  }

  /** Whether {@link #sync} forces the metadata too that was written before. */
  public boolean syncForcesMetadata() throws LayerStoreException {
    Path database = options.root().resolve(options.metadataPath(driver.name()));
    return options.durability() == Durability.FULL && driver.forcesFileSystemOf(database);
  }

  /** Forces the files of layers to the disk, unless the store was told not to. */
  public void sync(List<String> driverIds) throws LayerStoreException {
    if (options.durability() == Durability.FULL) {
      SyncEvent event = new SyncEvent();
      event.begin();
      driver.sync(driverIds);
      event.end(driverIds.size());
    }
  }

  /**
   * Refuses what would change a store that is open for reading only, or a root that is not the one
   * that was opened.
   */
  public void requireWritable() throws LayerStoreException {
    requireNotReadOnly();
    sharing.requireInPlace();
  }

  /** Refuses what would change a store that is open for reading only. */
  public void requireNotReadOnly() throws LayerStoreException {
    if (options.readOnly()) {
      throw new ReadOnlyStoreException(options.root());
    }
  }

  /** The content of layers forced to the disk, before they are published. */
  @Name("io.layerstore.Sync")
  @Label("Layer Sync")
  @Category("layerstore")
  @Description("The files of layers were forced to the disk")
  @StackTrace(false)
  static final class SyncEvent extends Event {

    @Label("Layers")
    int layers;

    /** Ends the event with how many layers were forced to the disk at once. */
    void end(int count) {
      end();
      if (shouldCommit()) {
        layers = count;
        commit();
      }
    }
  }
}
