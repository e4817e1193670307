package io.layerstore.core.layer;

import io.layerstore.ChainId;
import io.layerstore.LayerStoreException;
import io.layerstore.Limits;
import io.layerstore.Progress;
import io.layerstore.core.state.DataRoot;
import io.layerstore.core.state.RoLayer;
import io.layerstore.core.state.StoreContext;
import io.layerstore.core.state.StoreRecovery;
import io.layerstore.core.work.SideBySide;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** The layers of one store, as image archives see them. */
@SuppressWarnings("try") // Calls are held by scope, not by name.
public final class ArchiveLayers {

  /** A piece of work. */
  @FunctionalInterface
  public interface Work {

    /** Does it. */
    void run() throws LayerStoreException;
  }

  private final StoreContext store;
  private final LayerHealth health;
  private final LayerRegistration registration;
  private final LayerRelease release;
  private final LayerReading reading;

  public ArchiveLayers(
      StoreContext store,
      LayerHealth health,
      LayerRegistration registration,
      LayerRelease release,
      LayerReading reading) {
    this.store = store;
    this.health = health;
    this.registration = registration;
    this.release = release;
    this.reading = reading;
  }

  /**
   * Begins to add layers.
   *
   * @param kind what they are added for
   * @param listener where to report progress; empty for the store's own listener
   * @param verifiesExisting whether the content of layers that exist is read
   */
  public LayerBatch begin(
      Progress.Kind kind, Optional<Progress.Listener> listener, boolean verifiesExisting)
      throws LayerStoreException {
    store.requireWritable();
    StoreRecovery.afterTheDead(store);
    ProgressReporter progress = new ProgressReporter(orOwn(listener), kind, null);
    return new LayerBatch(store, health, registration, release, progress, verifiesExisting);
  }

  /** The size of a layer's archive in bytes: how many {@link #archive} gives. */
  public long archiveBytes(ChainId chainId) throws LayerStoreException {
    RoLayer layer = store.pin(chainId);
    try {
      return reading.archiveBytes(layer);
    } finally {
      store.table().unpin(layer);
    }
  }

  /** A layer's archive, checked against its diff ID while it is read. */
  public InputStream archive(ChainId chainId) throws LayerStoreException {
    RoLayer layer = store.pin(chainId);
    try {
      return reading.openArchive(layer);
    } finally {
      // The caller holds the image, and so its layers, as long as it reads.
      store.table().unpin(layer);
    }
  }

  /** What an archive may ask for. */
  public Limits limits() {
    return store.options().limits();
  }

  /**
   * Does several pieces of work, as many at once as the machine has room for; after a failure no
   * further one is begun.
   */
  public void runAll(String operation, List<? extends Work> pieces) throws LayerStoreException {
    List<SideBySide.Work> works = new ArrayList<>();
    for (Work piece : pieces) {
      works.add(stop -> piece.run());
    }
    SideBySide.run(store.executor(), SideBySide.threads(), operation, works);
  }

  /**
   * Begins to report how far images are written.
   *
   * @param kind what they are written for
   * @param listener whom to tell; empty for the store's own listener
   * @param totalBytes how many bytes will be counted
   */
  public ProgressReporter written(
      Progress.Kind kind, Optional<Progress.Listener> listener, long totalBytes) {
    ProgressReporter progress = new ProgressReporter(orOwn(listener), kind, null);
    progress.expect(OptionalLong.of(totalBytes));
    return progress;
  }

  private Optional<Progress.Listener> orOwn(Optional<Progress.Listener> listener) {
    return listener.or(store.options()::progress);
  }

  /** The directory for temporary files; may not exist yet. */
  public Path temporaryDirectory() {
    return DataRoot.temporaryDirectory(store.options().root());
  }
}
