package io.layerstore.spi;

import io.layerstore.ChainId;
import io.layerstore.LayerStoreException;
import io.layerstore.RecoveryReport;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the metadata of layers. The store's own implementation is Docker's {@code layerdb}.
 *
 * <p>An implementation
 *
 * <ul>
 *   <li>makes a layer or a read-write layer visible, and hides it, in one step;
 *   <li>never trusts what it reads: a value of the wrong form is a {@link
 *       io.layerstore.StoreCorruptedException};
 *   <li>refuses ids and names of the wrong form, and what it never began, with an {@link
 *       IllegalArgumentException}, every change with a {@link io.layerstore.ReadOnlyStoreException}
 *       if it was opened for reading only, and every call after {@link #close} with an {@link
 *       IllegalStateException};
 *   <li>is safe for use by many threads; the store never runs two calls that change the same layer
 *       at once.
 * </ul>
 *
 * <p>{@code MetadataStoreContract} of {@code layerstore-testing} has these promises as tests.
 * Mirrors {@code layer.fileMetadataStore} of moby.
 */
public interface MetadataStore extends AutoCloseable {

  /**
   * A layer that is being removed: its metadata is hidden, but its files may still be in the
   * driver.
   *
   * @param key what identifies it in this metadata store
   * @param chainId the chain ID it had; null if it never had one, because it was never committed
   * @param cacheId its id in the graph driver; null if it cannot be told, and then only the
   *     metadata is left to remove
   */
  record Leftover(String key, @Nullable ChainId chainId, @Nullable String cacheId) {}

  /**
   * A read-write layer whose creation or removal was not finished.
   *
   * @param key what identifies it in this metadata store
   * @param driverIds the ids that may exist in the graph driver
   */
  record UnfinishedRWLayer(String key, List<String> driverIds) {}

  /**
   * Begins a layer. {@code cacheId} is on disk when this returns, so that an unfinished layer can
   * be found and removed.
   */
  MetadataTransaction begin(String cacheId) throws LayerStoreException;

  /** The chain IDs that have metadata, trustworthy or not, sorted. */
  List<ChainId> layers() throws LayerStoreException;

  /**
   * Reads a layer.
   *
   * @throws io.layerstore.LayerNotFoundException if there is none of that chain ID
   * @throws io.layerstore.StoreCorruptedException if something about it is missing or malformed
   */
  LayerRecord layer(ChainId chainId) throws LayerStoreException;

  /**
   * Reads many layers at once, where that is quicker: those whose metadata is sound and whose
   * tar-split looks sound. May leave out any.
   *
   * @param all what {@link #layers} has just given
   */
  default Map<ChainId, LayerRecord> intactLayers(List<ChainId> all) throws LayerStoreException {
    return Map.of();
  }

  /**
   * A number that is another one once layers or read-write layers have come, gone, or been made
   * anew, whoever did it; empty if that cannot be told, or not yet.
   */
  default OptionalLong state() throws LayerStoreException {
    return OptionalLong.empty();
  }

  /**
   * The cache id of a layer, which distinguishes it from one that was deleted and registered again.
   * Throws what {@link #layer} throws for what it reads.
   */
  default String cacheId(ChainId chainId) throws LayerStoreException {
    return layer(chainId).cacheId();
  }

  /**
   * The tar-split of a layer, compressed with gzip.
   *
   * @throws io.layerstore.LayerNotFoundException if there is no layer of that chain ID
   * @throws io.layerstore.StoreCorruptedException if there is none
   */
  InputStream tarSplit(ChainId chainId) throws LayerStoreException;

  /** Hides a layer, trustworthy or not, before its files are removed. */
  Leftover beginRemoval(ChainId chainId) throws LayerStoreException;

  /**
   * Layers whose removal was begun and not finished. The cache id of one that something visible
   * still stands on is not told, so that its files stay.
   */
  List<Leftover> unfinishedRemovals() throws LayerStoreException;

  /** Layers that were begun and not committed, by a process that is gone, or were postponed. */
  List<Leftover> unfinishedTransactions() throws LayerStoreException;

  /** Removes what remains of a layer once its files are gone. A second call does nothing. */
  void discard(Leftover leftover) throws LayerStoreException;

  /**
   * Leaves what {@link MetadataTransaction#replace} gave, because the files cannot be removed now;
   * from now on it is among {@link #unfinishedTransactions}.
   */
  void postpone(Leftover leftover);

  /**
   * The layer that a layer stands on, also if its metadata cannot be trusted; so it can be kept.
   *
   * @return null if there is none, or it cannot be told
   */
  default @Nullable ChainId parentOf(ChainId chainId) throws LayerStoreException {
    return null;
  }

  /** The names of read-write layers that have metadata, trustworthy or not, sorted. */
  List<String> rwLayers() throws LayerStoreException;

  /**
   * Reads a read-write layer.
   *
   * @throws io.layerstore.RWLayerNotFoundException if there is none of that name
   * @throws io.layerstore.StoreCorruptedException if something about it is missing or malformed
   */
  RWLayerRecord rwLayer(String name) throws LayerStoreException;

  /**
   * The layer that a read-write layer stands on, also if its metadata cannot be trusted; so it can
   * be kept.
   *
   * @return null if there is none, or it cannot be told
   */
  default @Nullable ChainId parentOfRWLayer(String name) throws LayerStoreException {
    return null;
  }

  /**
   * Records the driver ids of a read-write layer that is about to be created, so that an unfinished
   * creation can be found and removed.
   *
   * @return what to give to {@link #commitRWLayer} or {@link #discardRWLayer}
   */
  UnfinishedRWLayer beginRWLayer(RWLayerRecord rwLayer) throws LayerStoreException;

  /**
   * Makes a begun read-write layer visible.
   *
   * @throws io.layerstore.NameConflictException if there is one of that name
   */
  void commitRWLayer(UnfinishedRWLayer rwLayer) throws LayerStoreException;

  /** Removes what remains of a begun read-write layer once its files are gone. */
  void discardRWLayer(UnfinishedRWLayer rwLayer) throws LayerStoreException;

  /**
   * Leaves a begun or hidden read-write layer as it is, because its files cannot be removed now;
   * from now on it is among {@link #unfinishedRWLayers}.
   */
  void postponeRWLayer(UnfinishedRWLayer rwLayer);

  /**
   * Read-write layers whose creation or removal was begun and not finished, by a process that is
   * gone, or was postponed.
   */
  List<UnfinishedRWLayer> unfinishedRWLayers() throws LayerStoreException;

  /**
   * Hides a read-write layer before its files are removed; {@link #commitRWLayer} brings it back,
   * {@link #discardRWLayer} ends it.
   *
   * @throws io.layerstore.RWLayerNotFoundException if there is none of that name
   */
  UnfinishedRWLayer beginRWLayerRemoval(String name) throws LayerStoreException;

  /**
   * What it finds in its directory and cannot use, apart from the layers and read-write layers that
   * it lists.
   */
  default RecoveryReport recoveryReport() throws LayerStoreException {
    return RecoveryReport.CLEAN;
  }

  /** Ends it. A second call does nothing. */
  @Override
  void close() throws LayerStoreException;
}
