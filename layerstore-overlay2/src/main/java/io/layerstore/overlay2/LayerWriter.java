package io.layerstore.overlay2;

import io.layerstore.LayerStoreException;
import io.layerstore.spi.FileContent;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.TreeWriter;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** The one writer of a layer, which tells when it is closed. */
final class LayerWriter implements TreeWriter {

  private final TreeWriter writer;
  private final Runnable closed;

  LayerWriter(TreeWriter writer, Runnable closed) {
    this.writer = writer;
    this.closed = closed;
  }

  @Override
  public void write(TreeEntry entry, @Nullable FileContent content) throws IOException {
    writer.write(entry, content);
  }

  @Override
  public long finish(long archiveBytes) throws LayerStoreException {
    return writer.finish(archiveBytes);
  }

  @Override
  public void close() throws LayerStoreException {
    try {
      writer.close();
    } finally {
      closed.run();
    }
  }
}
