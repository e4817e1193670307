package io.layerstore.spi;

import io.layerstore.LayerStoreException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;

/**
 * The metadata of one layer that is being made: built aside, then made visible in one step.
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
   * Makes the layer visible. The record's cache id counts, also where it is another than the
   * transaction began with.
   *
   * @throws io.layerstore.StoreCorruptedException if there is metadata of that chain ID already; it
   *     is left as it was
   */
  void commit(LayerRecord record) throws LayerStoreException;

  /**
   * Ends the transaction; without {@link #commit}, everything it wrote is removed. A second call
   * does nothing.
   */
  @Override
  void close() throws LayerStoreException;
}
