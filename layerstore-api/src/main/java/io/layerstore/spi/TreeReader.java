package io.layerstore.spi;

import io.layerstore.LayerStoreException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/**
 * Reads the entries of a tree, in the order of a layer archive.
 *
 * <p>An implementation gives a directory before what is in it, the first name of a file before its
 * hard links, and no sockets. Used by one thread at a time.
 */
public interface TreeReader extends AutoCloseable {

  /** The next entry, or null after the last. */
  @Nullable TreeEntry next() throws LayerStoreException;

  /**
   * The content of the regular file that {@link #next} gave last: exactly as many bytes as the
   * entry says.
   *
   * @return a stream to be closed before the next call of {@link #next}; its {@code read} throws
   *     {@link io.layerstore.ConcurrentChangeException} if the file changes meanwhile
   */
  InputStream content() throws LayerStoreException;

  /** Ends the reader. A second call does nothing. */
  @Override
  void close() throws LayerStoreException;
}
