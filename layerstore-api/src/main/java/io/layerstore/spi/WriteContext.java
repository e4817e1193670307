package io.layerstore.spi;

import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import java.io.IOException;
import java.io.InputStream;

/**
 * The store, as a {@link TreeWriter} sees it while it unpacks.
 *
 * <p>It lets the store export archives exactly even if they write a path twice: a payload that is
 * about to be destroyed is kept in the layer's tar-split instead of a reference to a file. Used by
 * one thread at a time.
 */
public interface WriteContext {

  /**
   * Whether this archive has written something at {@code realPath}, as far as can be told: with a
   * very small probability a path is reported that has not been written.
   */
  boolean isWritten(LayerPath realPath);

  /**
   * Called if links led an entry to another place than its own name; once for each such entry, in
   * order.
   *
   * @param path the entry's own path
   * @param realPath where it was written
   * @param sizeBytes its size in bytes if it is a regular file, else 0
   */
  void wroteThroughLink(LayerPath path, LayerPath realPath, long sizeBytes) throws IOException;

  /**
   * Called with the content of a regular file that this archive wrote and now replaces, removes or
   * overwrites.
   *
   * @param sizeBytes its size in bytes
   * @param content its bytes; read before this returns, not closed
   */
  void destroying(LayerPath realPath, long sizeBytes, InputStream content) throws IOException;

  /**
   * Called before a symbolic link is removed or replaced, so that names may lead elsewhere from now
   * on.
   */
  void redirecting(LayerPath realPath) throws IOException;

  /**
   * Called if something of an entry is not kept in the tree, such as an attribute the file system
   * refuses.
   */
  void warn(LayerPath path, String reason);

  /** Something that is left to do. */
  @FunctionalInterface
  interface Step {

    /** Does it. */
    void run() throws LayerStoreException;
  }

  /**
   * Runs a step of {@link TreeWriter#finish} that looks at the layers below: at once if they are
   * complete, else as soon as they are. Layers of one image may be unpacked in parallel.
   */
  default void whenBelowIsComplete(Step step) throws LayerStoreException {
    step.run();
  }
}
