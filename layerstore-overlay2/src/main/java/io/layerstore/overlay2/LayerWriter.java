package io.layerstore.overlay2;

import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.driver.PathSet;
import io.layerstore.overlay2.linux.DiffWriter;
import io.layerstore.overlay2.linux.TreeNode;
import io.layerstore.overlay2.linux.TreeScan;
import io.layerstore.overlay2.linux.TreeScan.XattrChoice;
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

    /** Opens the layer's own directory. */
    TreeScan openDirectory() throws LayerStoreException;

    /** The writer is closed. */
    void closed();
  }

  private final DiffWriter writer;
  private final WriteContext context;
  private final Layer layer;

  /**
   * What this archive has written without an entry of its own; null if nothing was there before.
   */
  private final @Nullable PathSet implied;

  private boolean isRootOpaque;
  private boolean hasWhiteouts;

  /**
   * @param isFresh whether the layer's own directory is empty; a read-write layer's need not be
   */
  LayerWriter(DiffWriter writer, WriteContext context, Layer layer, boolean isFresh) {
    this.writer = writer;
    this.implied = isFresh ? null : new PathSet();
    this.context = context;
    this.layer = layer;
  }

  @Override
  public void write(TreeEntry entry, @Nullable FileContent content) throws IOException {
    isRootOpaque |= entry.type() == EntryType.OPAQUE && entry.path().isRoot();
    hasWhiteouts |= entry.type() == EntryType.WHITEOUT || Device.WHITEOUT.equals(entry.device());
    if (implied != null) {
      removeOld(entry, implied);
    }
    writer.write(entry, content);
  }

  /**
   * Deletions count for what was in a read-write layer before, too. What this archive has written
   * stays: the writer itself cannot tell the two apart.
   */
  private void removeOld(TreeEntry entry, PathSet ofArchive) throws IOException {
    LayerPath path = entry.path();
    if (entry.type() == EntryType.WHITEOUT && !isOfArchive(path, ofArchive)) {
      writer.removeOld(path);
    } else if (entry.type() == EntryType.OPAQUE) {
      try (TreeScan own = layer.openDirectory()) {
        removeOldBelow(own, path, ofArchive);
      }
    }
    for (LayerPath at = path; !at.isRoot(); ) {
      at = at.parent();
      if (!ofArchive.add(at)) {
        break;
      }
    }
  }

  private void removeOldBelow(TreeScan own, LayerPath directory, PathSet ofArchive)
      throws IOException {
    boolean isDirectory =
        directory.isRoot()
            || own.find(directory, XattrChoice.NONE)
                .filter(node -> node.type() == EntryType.DIRECTORY)
                .isPresent();
    if (!isDirectory) {
      return;
    }
    for (TreeNode node : own.list(directory, XattrChoice.NONE)) {
      if (!isOfArchive(node.path(), ofArchive)) {
        writer.removeOld(node.path());
      } else if (node.type() == EntryType.DIRECTORY) {
        removeOldBelow(own, node.path(), ofArchive);
      }
    }
  }

  private boolean isOfArchive(LayerPath path, PathSet ofArchive) {
    return context.isWritten(path) || ofArchive.contains(path);
  }

  @Override
  public long finish(long archiveBytes) throws LayerStoreException {
    long sizeBytes = writer.finish(archiveBytes);
    if (isRootOpaque || hasWhiteouts) {
      context.whenBelowIsComplete(() -> layer.completeWhiteouts(isRootOpaque));
    }
    return implied == null ? sizeBytes : ownSizeBytes();
  }

  /** Docker's answer where something was before: the size of all that is there now. */
  private long ownSizeBytes() throws LayerStoreException {
    try (TreeScan own = layer.openDirectory()) {
      return own.sizeBytes();
    }
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
