package io.layerstore.core.layer;

import io.layerstore.Change;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.MountOptions;
import io.layerstore.Progress;
import io.layerstore.TarOptions;
import io.layerstore.core.codec.DecompressedStream;
import io.layerstore.core.codec.Decompression;
import io.layerstore.core.state.DataRoot;
import io.layerstore.core.state.MountedLayer;
import io.layerstore.core.state.StoreContext;
import io.layerstore.core.state.StoreLifecycle;
import io.layerstore.core.work.Interrupts;
import io.layerstore.driver.KeyedLock;
import io.layerstore.driver.TemporaryDirectory;
import io.layerstore.spi.NativeDiff;
import io.layerstore.spi.TreeWriter;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Mounts read-write layers, tells what was changed in them, and applies archives. */
@SuppressWarnings("try") // Locks and calls are held by scope, not by name.
final class RWLayerFiles {

  private static final Logger log = LoggerFactory.getLogger(RWLayerFiles.class);

  private final StoreContext store;
  private final ReadWriteLayers layers;
  private final Disappearance disappearance;

  /** {@code layers} deletes those that are temporary and no longer mounted. */
  RWLayerFiles(StoreContext store, ReadWriteLayers layers) {
    this.store = store;
    this.layers = layers;
    this.disappearance = new Disappearance(store);
  }

  Mount mount(MountedLayer layer, MountOptions options) throws LayerStoreException {
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      store.requireWritable();
      if (layer.isTemporary() && options.isPersistent()) {
        throw new IllegalArgumentException(
            "a temporary read-write layer cannot have a persistent mount: "
                + layer.name()
                + "; create one with a name for that");
      }
      return StoreMount.ofRWLayer(store, layer, options, () -> dropMount(layer));
    }
  }

  /** Called when a mount of {@code layer} is undone. */
  private void dropMount(MountedLayer layer) {
    if (layer.isTemporary()) {
      layers.deleteIfUnused(layer);
    }
  }

  Map<String, String> metadata(MountedLayer layer) throws LayerStoreException {
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      return store.driver().metadata(layer.mountId());
    } catch (LayerStoreException e) {
      throw explain(layer, e);
    }
  }

  private LayerStoreException explain(MountedLayer layer, IOException failure) {
    return disappearance.explain(layer, "reading read-write layer " + layer.name(), failure);
  }

  private NativeDiff diff(MountedLayer layer) throws LayerStoreException {
    return LayerReading.diff(store, layer.mountId(), layer.driverParent());
  }

  long sizeBytes(MountedLayer layer) throws LayerStoreException {
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      return diff(layer).sizeBytes();
    } catch (LayerStoreException e) {
      throw explain(layer, e);
    }
  }

  Stream<Change> changes(MountedLayer layer) throws LayerStoreException {
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      Stream<Change> changes = Disappearance.explain(diff(layer).changes(), e -> explain(layer, e));
      Closeable left = () -> close(changes);
      store.lifecycle().track(left);
      return changes.onClose(() -> store.lifecycle().untrack(left));
    } catch (LayerStoreException e) {
      throw explain(layer, e);
    }
  }

  private static void close(Stream<Change> changes) throws IOException {
    try {
      changes.close();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  InputStream tarStream(MountedLayer layer, TarOptions options) throws LayerStoreException {
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      return LayerReading.archive(
          store,
          OwnersBelow.of(store, layer, diff(layer).entries()),
          options,
          e -> explain(layer, e));
    } catch (LayerStoreException e) {
      throw explain(layer, e);
    }
  }

  long applyDiff(MountedLayer layer, InputStream tar) throws LayerStoreException {
    String operation = "applying a diff to " + layer.name();
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      store.requireWritable();
      try (KeyedLock.Held held = store.nameLock().acquireInterruptibly(layer.name())) {
        UnpackContext context =
            new UnpackContext("read-write layer " + layer.name(), null, null, null);
        ProgressReporter.OfLayer progress =
            new ProgressReporter(store.options().progress(), Progress.Kind.APPLY, null)
                .onlyLayer(null);
        progress.phase(Progress.Phase.UNPACKING);
        Path place = DataRoot.temporaryDirectory(store.options().root());
        try (TemporaryDirectory temporaries = new TemporaryDirectory(place);
            AufsLinkSources linkSources =
                new AufsLinkSources(() -> temporaries.file("aufs-links"));
            DecompressedStream plain =
                Decompression.openArchive(tar, store.options().limits(), progress::addBytes);
            TreeWriter writer =
                store.driver().openWriter(layer.mountId(), layer.driverParent(), context)) {
          long sizeBytes =
              new LayerUnpacker(
                      store.options(),
                      store.driver().traits().executesWhiteouts(),
                      writer,
                      context,
                      progress,
                      null,
                      linkSources)
                  .unpack(plain, null);
          layers.force(layer.mountId());
          progress.phase(Progress.Phase.DONE);
          log.info("applied an archive to read-write layer {} ({} bytes)", layer.name(), sizeBytes);
          return sizeBytes;
        }
      } catch (InterruptedException e) {
        throw Interrupts.ended(operation, e);
      } catch (IOException e) {
        throw DriverFailures.named(
            "read-write layer " + layer.name(), Interrupts.translate(operation, e));
      }
    }
  }
}
