package io.layerstore.overlay2;

import io.layerstore.LayerStoreException;
import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.FileContent;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.TreeWriter;
import io.layerstore.spi.WriteContext;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * The one writer of a layer, which tells when it is closed, and has whiteouts put right at the end.
 */
final class LayerWriter implements TreeWriter {

  /** What the writer needs of the driver. */
  interface Layer {

    /**
     * Makes an opaque root work, and takes whiteouts away that the kernel would show; looks at the
     * layers below.
     */
    void completeWhiteouts(boolean isRootOpaque) throws LayerStoreException;

    /** The writer is closed. */
    void closed();
  }

  private final TreeWriter writer;
  private final WriteContext context;
  private final Layer layer;
  private boolean isRootOpaque;
  private boolean hasWhiteouts;

  LayerWriter(TreeWriter writer, WriteContext context, Layer layer) {
    this.writer = writer;
    this.context = context;
    this.layer = layer;
  }

  @Override
  public void write(TreeEntry entry, @Nullable FileContent content) throws IOException {
    isRootOpaque |= entry.type() == EntryType.OPAQUE && entry.path().isRoot();
    hasWhiteouts |= entry.type() == EntryType.WHITEOUT || Device.WHITEOUT.equals(entry.device());
    writer.write(entry, content);
  }

  @Override
  public long finish(long archiveBytes) throws LayerStoreException {
    long sizeBytes = writer.finish(archiveBytes);
    if (isRootOpaque || hasWhiteouts) {
      context.whenBelowIsComplete(() -> layer.completeWhiteouts(isRootOpaque));
    }
    return sizeBytes;
  }

  @Override
  public void close() throws LayerStoreException {
    try {
      writer.close();
    } finally {
      layer.closed();
    }
  }
}
