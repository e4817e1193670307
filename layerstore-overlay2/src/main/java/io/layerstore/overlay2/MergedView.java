package io.layerstore.overlay2;

import io.layerstore.LayerStoreException;

/**
 * A layer merged with those below, for looking at.
 *
 * @param scans looks at the tree
 * @param release what undoes the mount, if there is one
 */
record MergedView(ScanPool scans, Release release) implements AutoCloseable {

  /** Undoes what made the tree visible. */
  @FunctionalInterface
  interface Release {
    void run() throws LayerStoreException;
  }

  /** To be called once. */
  @Override
  public void close() throws LayerStoreException {
    try {
      scans.close();
    } finally {
      release.run();
    }
  }
}
