package io.layerstore.core.view;

import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.LayerVerificationException;
import io.layerstore.spi.FileGetter;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The files of a layer as its driver has them, opened when the first one is asked for. */
final class DriverContents implements LayerContents {

  private final StoredLayer.Files opener;

  /** The names in the archive of files that links led elsewhere. */
  private final Map<Integer, LayerPath> names = new HashMap<>();

  private @Nullable FileGetter files;
  private boolean isClosed;

  DriverContents(StoredLayer.Files opener) {
    this.opener = opener;
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
    InputStream content = open(path, node, sizeBytes);
    try {
      content.skipNBytes(from);
      return content;
    } catch (IOException | RuntimeException e) {
      content.close();
      throw e;
    }
  }

  private synchronized InputStream open(LayerPath path, int node, long sizeBytes)
      throws LayerStoreException {
    if (isClosed) {
      throw new IllegalStateException("the files of the layer are closed");
    }
    FileGetter opened = files;
    if (opened == null) {
      opened = opener.open();
      files = opened;
    }
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
