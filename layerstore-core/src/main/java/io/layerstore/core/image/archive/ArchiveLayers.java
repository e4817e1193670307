package io.layerstore.core.image.archive;

import io.layerstore.ChainId;
import io.layerstore.LayerStoreException;
import io.layerstore.Limits;
import io.layerstore.ProgressListener;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** What image archives need of the layers of a store. */
public interface ArchiveLayers {

  /**
   * Begins to add layers.
   *
   * @param listener where to report progress; null for the store's own listener
   */
  LayerBatch begin(@Nullable ProgressListener listener) throws LayerStoreException;

  /** The size of a layer's archive in bytes: how many {@link #archive} gives. */
  long archiveBytes(ChainId chainId) throws LayerStoreException;

  /** A layer's archive, checked against its diff ID while it is read. */
  InputStream archive(ChainId chainId) throws LayerStoreException;

  /** What an archive may ask for. */
  Limits limits();

  /** Runs work side by side. */
  Executor executor();

  /** The directory for temporary files; may not exist yet. */
  Path temporaryDirectory();
}
