package io.layerstore.core.layer;

import io.layerstore.ChainId;
import io.layerstore.Descriptor;
import io.layerstore.DiffId;
import io.layerstore.Layer;
import io.layerstore.LayerInfo;
import io.layerstore.LayerNotRetainedException;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.TarOptions;
import io.layerstore.ViewOptions;
import io.layerstore.core.state.RoLayer;
import java.io.InputStream;
import java.nio.file.FileSystem;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * One handle of one caller on a layer. Spent by the first {@link #close} or release, whichever
 * comes first.
 */
public final class LayerReference implements Layer {

  private final LayerReading reading;
  private final RoLayer layer;
  private final boolean isOfImage;
  private final AtomicBoolean spent = new AtomicBoolean();

  /** A handle on a node that has been counted one handle more. */
  public LayerReference(LayerReading reading, RoLayer layer) {
    this(reading, layer, false);
  }

  private LayerReference(LayerReading reading, RoLayer layer, boolean isOfImage) {
    this.reading = reading;
    this.layer = layer;
    this.isOfImage = isOfImage;
  }

  /** A handle on a node that is held for one image more. */
  public static LayerReference ofImage(LayerReading reading, RoLayer layer) {
    return new LayerReference(reading, layer, true);
  }

  /**
   * Spends and gives back the handle, if it is one on a layer of {@code owner} and not spent;
   * returns the node.
   */
  public RoLayer spend(LayerReading owner) throws LayerNotRetainedException {
    if (owner != reading) {
      throw new IllegalArgumentException(
          "the handle on " + chainId() + " belongs to another store");
    }
    if (!spent.compareAndSet(false, true)) {
      throw new LayerNotRetainedException(chainId().toString());
    }
    giveBack();
    return layer;
  }

  private void giveBack() {
    if (isOfImage) {
      reading.dropImageHold(layer);
    } else {
      reading.dropHandle(layer);
    }
  }

  private RoLayer requireOpen() {
    if (spent.get()) {
      throw new IllegalStateException(
          "this handle on layer " + chainId() + " was closed or released");
    }
    return layer;
  }

  @Override
  public ChainId chainId() {
    return layer.chainId();
  }

  @Override
  public DiffId diffId() {
    return layer.record().diffId();
  }

  @Override
  public Optional<ChainId> parent() {
    return Optional.ofNullable(layer.record().parent());
  }

  @Override
  public int depth() {
    return layer.depth();
  }

  @Override
  public String cacheId() {
    return layer.cacheId();
  }

  @Override
  public long sizeBytes() {
    return layer.sizeBytes();
  }

  @Override
  public long diffSizeBytes() {
    return layer.record().sizeBytes();
  }

  @Override
  public Optional<Descriptor> descriptor() {
    return Optional.ofNullable(layer.record().descriptor());
  }

  @Override
  public Map<String, String> metadata() throws LayerStoreException {
    return reading.metadata(requireOpen());
  }

  @Override
  public InputStream tarStream(TarOptions options) throws LayerStoreException {
    return reading.tarStream(requireOpen(), options);
  }

  @Override
  public InputStream tarStreamFrom(@Nullable ChainId ancestor, TarOptions options)
      throws LayerStoreException {
    return reading.tarStreamFrom(requireOpen(), ancestor, options);
  }

  @Override
  public Mount mount() throws LayerStoreException {
    return reading.mount(requireOpen());
  }

  @Override
  public FileSystem fileSystem(ViewOptions options) throws LayerStoreException {
    return reading.views().of(requireOpen(), toString(), options);
  }

  @Override
  public LayerInfo.Usage usage() {
    return reading.usage(requireOpen());
  }

  @Override
  public void close() {
    if (spent.compareAndSet(false, true)) {
      giveBack();
    }
  }

  /** The chain ID. */
  @Override
  public String toString() {
    return "Layer[" + chainId() + "]";
  }
}
