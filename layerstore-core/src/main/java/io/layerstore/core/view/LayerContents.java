package io.layerstore.core.view;

import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;

/** Opens the files of one layer. Safe for use by many threads. */
interface LayerContents extends Closeable {

  /**
   * Opens a regular file.
   *
   * @param path where it is
   * @param node what the index calls it
   * @param sizeBytes its length
   * @param place what the index was told of its content
   * @param from how many bytes to leave out; at most its length
   */
  InputStream open(LayerPath path, int node, long sizeBytes, long place, long from)
      throws IOException;

  /**
   * Says that {@link #open} will probably be called for a file, from its beginning, after what was
   * announced before. Nothing depends on it. Does nothing by default.
   */
  default void announce(LayerPath path, int node, long sizeBytes) throws LayerStoreException {}

  /**
   * Whether files are found by their path, also those that are copies of what a layer below has; if
   * not, by their place, which is in that layer's archive then.
   */
  boolean isByPath();
}
