package io.layerstore.core.state;

import io.layerstore.ChainId;
import io.layerstore.Durability;
import io.layerstore.LayerStoreException;
import io.layerstore.ReadOnlyStoreException;
import io.layerstore.StoreOptions;
import io.layerstore.core.docker.BuildKitCache;
import io.layerstore.core.work.CriticalWork;
import io.layerstore.driver.KeyedLock;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.MetadataStore;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/**
 * What the parts of one open store share.
 *
 * <h2>Locks</h2>
 *
 * <p>In the order in which they may be taken:
 *
 * <ol>
 *   <li>{@link #nameLock}: the creation, removal, mounting and unmounting of the read-write layer
 *       of one name.
 *   <li>{@link #chainLock}: the publication, healing and deletion of the layer of one chain ID;
 *       also its unpacking, when the caller says beforehand which chain ID it will have, so that
 *       several callers do the work once. Loading images holds those of all its new layers, taken
 *       in the order of the chain IDs; nobody else holds two at a time.
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
 * @param buildKit layers that others than this store refer to
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
    BuildKitCache buildKit) {

  /** What a person is told of who holds {@code layer} outside this store; empty if nobody does. */
  public List<String> otherHolders(RoLayer layer) {
    return buildKit.holders(layer.chainId(), table::chainIds);
  }

  /** The same for all layers in the table, without those that nobody holds. */
  public Map<ChainId, List<String>> otherHolders() {
    return buildKit.holders(table.chainIds());
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

  /** Refuses what would change a store that is open for reading only. */
  public void requireWritable() throws ReadOnlyStoreException {
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
  private static final class SyncEvent extends Event {

    @Label("Layers")
    int layers;

    /** Ends the event with how many layers were forced to the disk at once. */
    public void end(int count) {
      end();
      if (shouldCommit()) {
        layers = count;
        commit();
      }
    }
  }
}
