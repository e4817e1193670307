package io.layerstore.core.view;

import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.LayerVerificationException;
import io.layerstore.driver.Closing;
import io.layerstore.spi.FileGetter;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The files of a layer as its driver has them, opened when the first one is asked for. */
final class DriverContents implements LayerContents {

  private final StoredLayer.Files opener;
  private final @Nullable StoredLayer layer;

  /** The names in the archive of files that links led elsewhere. */
  private final Map<Integer, LayerPath> names = new HashMap<>();

  /** Where contents are in the archive that the tar-split has itself. */
  private final Map<Integer, Long> raw = new HashMap<>();

  private @Nullable FileGetter files;
  private boolean isClosed;

  /**
   * @param opener opens the layer in the driver
   * @param layer what has its tar-split; null if there is none
   */
  DriverContents(StoredLayer.Files opener, @Nullable StoredLayer layer) {
    this.opener = opener;
    this.layer = layer;
  }

  /**
   * Notes where in the archive the content of a file is, if the tar-split has it. The driver has
   * not, if it deletes at once what its archive deletes.
   */
  void addRaw(int node, long position) {
    raw.put(node, position);
  }

  /**
   * Notes the name that a file has in its archive, where that is not its path. A driver that
   * unpacks onto the layers below may have it at another place, and finds it by that name.
   */
  void addName(int node, LayerPath name) {
    names.put(node, name);
  }

  @Override
  public InputStream open(LayerPath path, int node, long sizeBytes, long place, long from)
      throws IOException {
    Long at = raw.get(node);
    InputStream content =
        at == null || layer == null ? open(path, node, sizeBytes) : openRaw(layer, at);
    try {
      content.skipNBytes(from);
      return content;
    } catch (IOException | RuntimeException e) {
      content.close();
      throw e;
    }
  }

  private static InputStream openRaw(StoredLayer layer, long position) throws IOException {
    InputStream compressed = layer.headers().open();
    try {
      InputStream archive = layer.archive(compressed);
      archive.skipNBytes(position);
      return new FilterInputStream(archive) {
        @Override
        public void close() throws IOException {
          Closing.all(in, compressed);
        }
      };
    } catch (IOException | RuntimeException e) {
      Closing.after(e, compressed);
      throw e;
    }
  }

  /** Only if the files stay as they are: what is read ahead of its time would be out of date. */
  @Override
  public synchronized void announce(LayerPath path, int node, long sizeBytes)
      throws LayerStoreException {
    if (layer != null && !raw.containsKey(node)) {
      files().announceOpen(path, sizeBytes);
    }
  }

  private FileGetter files() throws LayerStoreException {
    if (isClosed) {
      throw new IllegalStateException("the files of the layer are closed");
    }
    FileGetter opened = files;
    if (opened == null) {
      opened = opener.open();
      files = opened;
    }
    return opened;
  }

  private synchronized InputStream open(LayerPath path, int node, long sizeBytes)
      throws LayerStoreException {
    FileGetter opened = files();
    try {
      return opened.open(path, sizeBytes);
    } catch (LayerVerificationException e) {
      LayerPath name = names.get(node);
      if (name == null) {
        throw e;
      }
      return opened.open(name, sizeBytes);
    }
  }

  @Override
  public boolean isByPath() {
    return true;
  }

  @Override
  public synchronized void close() throws IOException {
    isClosed = true;
    if (files != null) {
      files.close();
    }
  }
}
