package io.layerstore.core.layer;

import io.layerstore.ChainId;
import io.layerstore.LayerInfo;
import io.layerstore.LayerStoreException;
import io.layerstore.LayerVerificationException;
import io.layerstore.Limits;
import io.layerstore.Mount;
import io.layerstore.MountOptions;
import io.layerstore.StoreCorruptedException;
import io.layerstore.TarOptions;
import io.layerstore.core.codec.CompressedStream;
import io.layerstore.core.codec.CompressionFormat;
import io.layerstore.core.codec.DecompressedStream;
import io.layerstore.core.codec.Decompression;
import io.layerstore.core.state.RoLayer;
import io.layerstore.core.state.StoreContext;
import io.layerstore.core.state.StoreLifecycle;
import io.layerstore.core.tar.LayerPacker;
import io.layerstore.core.tarsplit.AssembledStream;
import io.layerstore.core.tarsplit.Entry;
import io.layerstore.core.tarsplit.EntryReader;
import io.layerstore.core.work.Interrupts;
import io.layerstore.driver.BlockFilterStream;
import io.layerstore.driver.NaiveDiff;
import io.layerstore.spi.FileGetter;
import io.layerstore.spi.NativeDiff;
import io.layerstore.spi.TreeReader;
import java.io.IOException;
import java.io.InputStream;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What can be read of read-only layers. */
@SuppressWarnings("try") // Locks and calls are held by scope, not by name.
public final class LayerReading {

  private final StoreContext store;
  private final Disappearance disappearance;
  private final LayerViews views;

  public LayerReading(StoreContext store) {
    this.store = store;
    this.disappearance = new Disappearance(store);
    this.views = new LayerViews(store);
  }

  private LayerStoreException explain(RoLayer layer, IOException failure) {
    return disappearance.explain(layer, "reading layer " + layer.chainId(), failure);
  }

  /** What shows layers as file systems. */
  public LayerViews views() {
    return views;
  }

  public Map<String, String> metadata(RoLayer layer) throws LayerStoreException {
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      return store.driver().metadata(layer.cacheId());
    } catch (LayerStoreException e) {
      throw explain(layer, e);
    }
  }

  public LayerInfo.Usage usage(RoLayer layer) {
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      return store.table().usage(layer, store.otherHolders(layer));
    }
  }

  /** Gives a handle back; the layer stays. */
  void dropHandle(RoLayer layer) {
    store.table().dropHandle(layer);
  }

  void dropImageHold(RoLayer layer) {
    store.table().dropImageHold(layer);
  }

  public Mount mount(RoLayer layer) throws LayerStoreException {
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      return StoreMount.ofLayer(store, layer, MountOptions.DEFAULT);
    } catch (LayerStoreException e) {
      throw explain(layer, e);
    }
  }

  public InputStream tarStream(RoLayer layer, TarOptions options) throws LayerStoreException {
    if (options.latestTime().isPresent()) {
      throw new IllegalArgumentException(
          "the times in layer " + layer.chainId() + " are what was registered: no latest time");
    }
    return compress(tarStream(layer), options);
  }

  public InputStream tarStream(RoLayer layer) throws LayerStoreException {
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      return openArchive(layer);
    }
  }

  /** The same inside a call, on any of the threads that work for it. */
  InputStream openArchive(RoLayer layer) throws LayerStoreException {
    try {
      String file = "the tar-split of " + layer.chainId();
      InputStream compressed = store.metadata().tarSplit(layer.chainId());
      DecompressedStream tarSplit = null;
      try {
        tarSplit = Decompression.open(compressed, Limits.NONE);
        if (tarSplit.format() != CompressionFormat.GZIP) {
          throw new StoreCorruptedException(file, "it is not compressed with gzip");
        }
        FileGetter files = store.driver().files(layer.cacheId());
        AssembledStream assembled =
            new AssembledStream(tarSplit, file, files, layer.record().diffId(), store.executor());
        return store.lifecycle().track(new LayerStream(assembled, compressed, layer));
      } catch (IOException | RuntimeException e) {
        if (tarSplit != null) {
          tarSplit.close();
        }
        compressed.close();
        throw e;
      }
    } catch (IOException e) {
      throw explain(layer, e);
    }
  }

  /** How many bytes {@link #tarStream} gives, as the tar-split says. */
  long archiveBytes(RoLayer layer) throws LayerStoreException {
    String file = "the tar-split of " + layer.chainId();
    try (StoreLifecycle.Call call = store.lifecycle().enter();
        InputStream compressed = store.metadata().tarSplit(layer.chainId());
        EntryReader entries = new EntryReader(Decompression.open(compressed, Limits.NONE), file)) {
      long bytes = 0;
      for (Entry entry = entries.next(); entry != null; entry = entries.next()) {
        bytes +=
            entry instanceof Entry.FileEntry content
                ? content.sizeBytes()
                : ((Entry.SegmentEntry) entry).bytes().length();
      }
      return bytes;
    } catch (IOException e) {
      throw explain(layer, e);
    }
  }

  public InputStream tarStreamFrom(RoLayer layer, @Nullable ChainId ancestorId, TarOptions options)
      throws LayerStoreException {
    try (StoreLifecycle.Call call = store.lifecycle().enter()) {
      RoLayer ancestor = null;
      if (ancestorId != null) {
        ancestor = layer.parent();
        while (ancestor != null && !ancestor.chainId().equals(ancestorId)) {
          ancestor = ancestor.parent();
        }
        if (ancestor == null) {
          throw new IllegalArgumentException(
              "layer ID '"
                  + ancestorId
                  + "' is not a parent of the specified layer: cannot provide diff to non-parent");
        }
      }
      NativeDiff diff = diff(store, layer.cacheId(), ancestor == null ? null : ancestor.cacheId());
      return archive(
          store, OwnersBelow.of(store, layer, diff.entries()), options, e -> explain(layer, e));
    } catch (LayerStoreException e) {
      throw explain(layer, e);
    }
  }

  /** The archive of a difference, which ends with the store. */
  static InputStream archive(
      StoreContext store,
      TreeReader difference,
      TarOptions options,
      Disappearance.Explanation explanation)
      throws LayerStoreException {
    LayerPacker packer = new LayerPacker(difference, options.latestTime().orElse(null));
    InputStream archive = Disappearance.explain(packer, explanation);
    return compress(store.lifecycle().track(new DiffStream(store, archive)), options);
  }

  private static InputStream compress(InputStream archive, TarOptions options)
      throws LayerStoreException {
    try {
      return CompressedStream.open(CompressionFormat.of(options.compression()), archive);
    } catch (IOException e) {
      throw Interrupts.translate("compressing an archive", e);
    }
  }

  /** The driver's own way to tell {@code id} from {@code parent}, or the comparison of trees. */
  public static NativeDiff diff(StoreContext store, String id, @Nullable String parent)
      throws LayerStoreException {
    return store
        .driver()
        .nativeDiff(id, parent)
        .orElseGet(() -> NaiveDiff.of(store.driver(), id, parent));
  }

  /** The re-assembled archive of a layer; remembers when its verification fails. */
  private final class LayerStream extends BlockFilterStream {
    private final InputStream compressed;
    private final RoLayer layer;

    LayerStream(InputStream assembled, InputStream compressed, RoLayer layer) {
      super(assembled);
      this.compressed = compressed;
      this.layer = layer;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      try {
        return in.read(bytes, offset, length);
      } catch (IOException e) {
        LayerStoreException explained = explain(layer, e);
        if (explained instanceof LayerVerificationException
            || explained instanceof StoreCorruptedException) {
          layer.setHealth(RoLayer.Health.DAMAGED);
        }
        throw explained;
      }
    }

    @Override
    public void close() throws IOException {
      store.lifecycle().untrack(this);
      try (InputStream closing = compressed) {
        in.close();
      }
    }
  }

  /** An archive made from a difference. */
  private static final class DiffStream extends BlockFilterStream {
    private final StoreContext store;

    DiffStream(StoreContext store, InputStream archive) {
      super(archive);
      this.store = store;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      return in.read(target, offset, length);
    }

    @Override
    public void close() throws IOException {
      store.lifecycle().untrack(this);
      in.close();
    }
  }
}
