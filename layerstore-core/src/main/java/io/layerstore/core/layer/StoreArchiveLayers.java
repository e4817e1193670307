package io.layerstore.core.layer;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.LayerStoreException;
import io.layerstore.Limits;
import io.layerstore.Progress;
import io.layerstore.ProgressListener;
import io.layerstore.core.image.archive.ArchiveLayers;
import io.layerstore.core.image.archive.LayerBatch;
import io.layerstore.core.state.DataRoot;
import io.layerstore.core.state.RoLayer;
import io.layerstore.core.state.StoreContext;
import io.layerstore.core.work.SideBySide;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** The layers of one store, as image archives see them. */
@SuppressWarnings("try") // Calls are held by scope, not by name.
public final class StoreArchiveLayers implements ArchiveLayers {

  private final StoreContext store;
  private final LayerHealth health;
  private final LayerRegistration registration;
  private final LayerRelease release;
  private final LayerReading reading;

  public StoreArchiveLayers(
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

  @Override
  public LayerBatch begin(Optional<ProgressListener> listener, boolean verifiesExisting)
      throws LayerStoreException {
    store.requireWritable();
    ProgressReporter progress = new ProgressReporter(orOwn(listener), Progress.Kind.LOAD, null);
    return new JoinedLayers(store, health, registration, release, progress, verifiesExisting);
  }

  @Override
  public long archiveBytes(ChainId chainId) throws LayerStoreException {
    RoLayer layer = store.table().pin(chainId);
    try {
      return reading.archiveBytes(layer);
    } finally {
      store.table().unpin(layer);
    }
  }

  @Override
  public InputStream archive(ChainId chainId) throws LayerStoreException {
    RoLayer layer = store.table().pin(chainId);
    try {
      return reading.openArchive(layer);
    } finally {
      // The caller holds the image, and so its layers, as long as it reads.
      store.table().unpin(layer);
    }
  }

  @Override
  public Limits limits() {
    return store.options().limits();
  }

  @Override
  public void runAll(String operation, List<? extends Work> pieces) throws LayerStoreException {
    List<SideBySide.Work> works = new ArrayList<>();
    for (Work piece : pieces) {
      works.add(stop -> piece.run());
    }
    SideBySide.run(store.executor(), SideBySide.threads(), operation, works);
  }

  @Override
  public Meter meter(Optional<ProgressListener> listener, long totalBytes) {
    ProgressReporter progress = new ProgressReporter(orOwn(listener), Progress.Kind.SAVE, null);
    progress.expect(OptionalLong.of(totalBytes));
    return new Meter() {
      @Override
      public void phase(Progress.Phase phase) {
        progress.phase(phase);
      }

      @Override
      public OfLayer layer(String image, DiffId diffId, long archiveBytes) {
        ProgressReporter.OfLayer layer = progress.layer(image, diffId);
        layer.expect(OptionalLong.of(archiveBytes));
        layer.phase(Progress.Phase.WRITING);
        return layer::addBytes;
      }
    };
  }

  private Optional<ProgressListener> orOwn(Optional<ProgressListener> listener) {
    return listener.or(store.options()::progress);
  }

  @Override
  public Path temporaryDirectory() {
    return DataRoot.temporaryDirectory(store.options().root());
  }
}
