package io.layerstore.spi;

import io.layerstore.LayerStoreException;
import io.layerstore.spi.MetadataStore.Leftover;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The metadata of one new layer: written aside, then made visible in one step.
 *
 * <p>Used by one thread at a time.
 */
public interface MetadataTransaction extends AutoCloseable {

  /**
   * Opens the tar-split for writing, from the beginning. What is written is compressed on its way.
   *
   * @return a stream whose {@code close} reports every failure
   */
  OutputStream writeTarSplit() throws LayerStoreException;

  /** Opens the tar-split that was written, uncompressed. */
  InputStream readTarSplit() throws LayerStoreException;

  /**
   * A path for a temporary file; whatever is there is removed before the commit, and when the
   * transaction ends.
   */
  Path scratchFile(String name) throws LayerStoreException;

  /**
   * Says that the caller will force everything on the file system to the disk between {@link
   * #prepare} and the commit, so that what is written until then need not be forced by itself.
   */
  default void deferForcing() {}

  /**
   * Writes everything that can be written before the layer becomes visible. A commit of an equal
   * record has less to do then; one of another, or {@link #replace}, is as without this call.
   *
   * @throws IllegalStateException if no tar-split was written, or the transaction has ended
   */
  default void prepare(LayerRecord record) throws LayerStoreException {}

  /**
   * Makes the layer visible. The record's cache id counts, also where it is another than the
   * transaction began with.
   *
   * @throws IllegalStateException if no tar-split was written, or the transaction has ended
   * @throws io.layerstore.StoreCorruptedException if there is metadata of that chain ID already; it
   *     is left as it was
   */
  void commit(LayerRecord record) throws LayerStoreException;

  /**
   * Puts this metadata in the place of that of a damaged layer. The layer is visible all the time,
   * and whenever the process dies, its metadata is the old, this, or the old in part replaced by
   * this, which is no worse; its cache id changes in one step, after everything else.
   *
   * <p>The transaction goes on until {@link #close}, and keeps naming the cache id it began with,
   * unless the layer now has it: so close it after the files that are not wanted are removed.
   *
   * @param dropsOldFiles whether the files under the cache id it had are to be removed, if it gets
   *     another
   * @return what is left to do then: remove those files, and discard it; null if there is nothing,
   *     or if the old cache id cannot be told
   * @throws io.layerstore.LayerNotFoundException if there is no metadata of that chain ID
   */
  @Nullable Leftover replace(LayerRecord record, boolean dropsOldFiles) throws LayerStoreException;

  /**
   * Ends the transaction and leaves everything it wrote, because the files that go with it cannot
   * be removed now; from now on it is among {@link MetadataStore#unfinishedTransactions}. Does
   * nothing if it has ended.
   */
  void postpone();

  /**
   * Ends the transaction; without {@link #commit}, everything it wrote is removed. A second call
   * does nothing.
   */
  @Override
  void close() throws LayerStoreException;
}
