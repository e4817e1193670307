package io.layerstore.core.tarsplit;

import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.LayerVerificationException;
import io.layerstore.spi.FileGetter;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The files of a layer, in memory; counts what is open. */
final class FakeFiles implements FileGetter {

  private final Map<LayerPath, byte[]> files = new HashMap<>();
  private final List<LayerPath> asked = new ArrayList<>();
  private int open;
  private boolean closed;

  FakeFiles put(String path, byte[] content) {
    return put(LayerPath.of(path), content);
  }

  FakeFiles put(LayerPath path, byte[] content) {
    files.put(path, content);
    return this;
  }

  void remove(LayerPath path) {
    files.remove(path);
  }

  /** Every path that was asked for, in order. */
  List<LayerPath> asked() {
    return asked;
  }

  int open() {
    return open;
  }

  boolean isClosed() {
    return closed;
  }

  @Override
  public InputStream open(LayerPath path, long sizeBytes) throws LayerStoreException {
    asked.add(path);
    byte[] content = files.get(path);
    if (content == null || content.length != sizeBytes) {
      throw new LayerVerificationException("no such file: " + path, path.toString(), null);
    }
    open++;
    return new ByteArrayInputStream(content) {
      private boolean closed;

      @Override
      public void close() throws IOException {
        if (!closed) {
          closed = true;
          open--;
        }
        super.close();
      }
    };
  }

  @Override
  public void close() {
    closed = true;
  }
}
