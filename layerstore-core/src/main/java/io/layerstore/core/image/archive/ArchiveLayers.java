package io.layerstore.core.image.archive;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.LayerStoreException;
import io.layerstore.Limits;
import io.layerstore.Progress;
import io.layerstore.ProgressListener;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** What image archives need of the layers of a store. */
public interface ArchiveLayers {

  /**
   * Begins to add layers.
   *
   * @param listener where to report progress; null for the store's own listener
   * @param verifiesExisting whether the content of layers that exist is read
   */
  LayerBatch begin(Optional<ProgressListener> listener, boolean verifiesExisting)
      throws LayerStoreException;

  /** The size of a layer's archive in bytes: how many {@link #archive} gives. */
  long archiveBytes(ChainId chainId) throws LayerStoreException;

  /** A layer's archive, checked against its diff ID while it is read. */
  InputStream archive(ChainId chainId) throws LayerStoreException;

  /** What an archive may ask for. */
  Limits limits();

  /** A piece of work. */
  @FunctionalInterface
  interface Work {

    /** Does it. */
    void run() throws LayerStoreException;
  }

  /**
   * Does several pieces of work, as many at once as the machine has room for; after a failure no
   * further one is begun.
   */
  void runAll(String operation, List<? extends Work> pieces) throws LayerStoreException;

  /** Reports how far a save has come, on any thread. */
  interface Meter {

    /** Counts the bytes of one layer. */
    @FunctionalInterface
    interface OfLayer {

      /** Adds to the count. */
      void addBytes(long count);
    }

    /** Begins a phase. */
    void phase(Progress.Phase phase);

    /** Begins to count the bytes of a layer. */
    OfLayer layer(String image, DiffId diffId, long archiveBytes);
  }

  /**
   * Begins to report the progress of a save.
   *
   * @param listener whom to tell; null for the store's own listener
   * @param totalBytes how many bytes will be counted
   */
  Meter meter(Optional<ProgressListener> listener, long totalBytes);

  /** The directory for temporary files; may not exist yet. */
  Path temporaryDirectory();
}
