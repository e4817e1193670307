package io.layerstore.core.layer;

import io.layerstore.ChainId;
import io.layerstore.Change;
import io.layerstore.CommitOptions;
import io.layerstore.Layer;
import io.layerstore.LayerNotRetainedException;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.MountOptions;
import io.layerstore.RWLayer;
import io.layerstore.TarOptions;
import io.layerstore.ViewOptions;
import io.layerstore.core.state.MountedLayer;
import java.io.InputStream;
import java.nio.file.FileSystem;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;

/**
 * One handle of one caller on a read-write layer. Spent by the first {@link #close} or release,
 * whichever comes first.
 */
final class RWLayerReference implements RWLayer {

  private final RWLayerHandles handles;
  private final MountedLayer layer;
  private final AtomicBoolean spent = new AtomicBoolean();

  RWLayerReference(RWLayerHandles handles, MountedLayer layer) {
    this.handles = handles;
    this.layer = layer;
  }

  /** The node, spent or not. */
  MountedLayer layer() {
    return layer;
  }

  /** Whether this is a handle of {@code owner}. */
  boolean isOf(RWLayerHandles owner) {
    return owner == handles;
  }

  /** Marks it spent. */
  void spend() throws LayerNotRetainedException {
    if (!spent.compareAndSet(false, true)) {
      throw new LayerNotRetainedException(name());
    }
  }

  /** Makes it good again after a release that failed. */
  void unspend() {
    spent.set(false);
  }

  /** The node, unless this is spent. */
  MountedLayer requireOpen() {
    if (spent.get()) {
      throw new IllegalStateException(
          "this handle on read-write layer " + name() + " was closed or released");
    }
    return layer;
  }

  @Override
  public String name() {
    return layer.name();
  }

  @Override
  public Optional<ChainId> parent() {
    return Optional.ofNullable(layer.record().parent());
  }

  @Override
  public String mountId() {
    return layer.mountId();
  }

  @Override
  public Mount mount(MountOptions options) throws LayerStoreException {
    return handles.files().mount(requireOpen(), options);
  }

  @Override
  public long sizeBytes() throws LayerStoreException {
    return handles.files().sizeBytes(requireOpen());
  }

  @Override
  public Stream<Change> changes() throws LayerStoreException {
    return handles.files().changes(requireOpen());
  }

  @Override
  public InputStream tarStream(TarOptions options) throws LayerStoreException {
    return handles.files().tarStream(requireOpen(), options);
  }

  @Override
  public FileSystem fileSystem(ViewOptions options) throws LayerStoreException {
    return handles.fileSystem(requireOpen(), options);
  }

  @Override
  public long applyDiff(InputStream tar) throws LayerStoreException {
    return handles.files().applyDiff(requireOpen(), tar);
  }

  @Override
  public Map<String, String> metadata() throws LayerStoreException {
    return handles.files().metadata(requireOpen());
  }

  @Override
  public Layer commit(CommitOptions options) throws LayerStoreException {
    return handles.commit(this, options, null);
  }

  @Override
  public void close() {
    if (spent.compareAndSet(false, true)) {
      handles.drop(layer);
    }
  }

  /** The name. */
  @Override
  public String toString() {
    return "RWLayer[" + name() + "]";
  }
}
