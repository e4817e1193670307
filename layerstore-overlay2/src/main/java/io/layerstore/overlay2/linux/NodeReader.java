package io.layerstore.overlay2.linux;

import io.layerstore.LayerStoreException;
import java.io.InputStream;
import org.jspecify.annotations.Nullable;

/** Gives the nodes of a tree one after the other. Used by one thread at a time. */
public interface NodeReader extends AutoCloseable {

  /** The next node, or null after the last. */
  @Nullable TreeNode next() throws LayerStoreException;

  /**
   * The content of the node that {@link #next} gave last, if its {@link TreeNode#hasContent} says
   * that there is one: exactly as many bytes as its size.
   *
   * @return a stream whose {@code read} throws {@link io.layerstore.ConcurrentChangeException} if
   *     the file changes meanwhile; ends with the next call of {@link #next}
   */
  InputStream content() throws LayerStoreException;

  /** Ends it; reads what was not read. A second call does nothing. */
  @Override
  void close() throws LayerStoreException;
}
