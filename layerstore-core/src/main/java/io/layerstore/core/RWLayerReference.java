package io.layerstore.core;

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
import io.layerstore.core.state.MountedLayer;
import java.io.InputStream;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One handle of one caller on a read-write layer. Spent by the first {@link #close} or release,
 * whichever comes first.
 */
final class RWLayerReference implements RWLayer {

  private final DefaultLayerStore store;
  private final MountedLayer layer;
  private final AtomicBoolean spent = new AtomicBoolean();

  RWLayerReference(DefaultLayerStore store, MountedLayer layer) {
    this.store = store;
    this.layer = layer;
  }

  /**
   * The node, if this is a handle of {@code owner}; whether it is spent is found out by {@link
   * #spend}.
   */
  MountedLayer layerOf(DefaultLayerStore owner) {
    if (owner != store) {
      throw new IllegalArgumentException("the handle on " + name() + " belongs to another store");
    }
    return layer;
  }

  /** Whether this is a handle of {@code owner}. */
  boolean isOf(DefaultLayerStore owner) {
    return owner == store;
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

  private MountedLayer requireOpen() {
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
    return store.readWrite().mount(requireOpen(), options);
  }

  @Override
  public long sizeBytes() throws LayerStoreException {
    return store.readWrite().sizeBytes(requireOpen());
  }

  @Override
  public Stream<Change> changes() throws LayerStoreException {
    return store.readWrite().changes(requireOpen());
  }

  @Override
  public InputStream tarStream(TarOptions options) throws LayerStoreException {
    return store.readWrite().tarStream(requireOpen(), options);
  }

  @Override
  public long applyDiff(InputStream tar) throws LayerStoreException {
    return store.readWrite().applyDiff(requireOpen(), tar);
  }

  @Override
  public Map<String, String> metadata() throws LayerStoreException {
    return store.readWrite().metadata(requireOpen());
  }

  @Override
  public Layer commit(CommitOptions options) throws LayerStoreException {
    return commit(options, null);
  }

  /** Commits for an image that people will call {@code image}, or for none. */
  Layer commit(CommitOptions options, @Nullable String image) throws LayerStoreException {
    return store.commit(this, requireOpen(), options, image);
  }

  @Override
  public void close() {
    if (spent.compareAndSet(false, true)) {
      store.dropMountHandle(layer);
    }
  }

  /** The name. */
  @Override
  public String toString() {
    return "RWLayer[" + name() + "]";
  }
}
