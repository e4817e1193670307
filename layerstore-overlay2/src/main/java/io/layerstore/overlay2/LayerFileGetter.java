package io.layerstore.overlay2;

import io.layerstore.ConcurrentChangeException;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.LayerVerificationException;
import io.layerstore.overlay2.linux.TreeNode;
import io.layerstore.overlay2.linux.TreeScan.XattrChoice;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.FileGetter;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import org.jspecify.annotations.Nullable;

/**
 * Opens regular files of a layer: of its own directory, where everything is that came with its
 * archive, and else of the layers merged.
 *
 * <p>So an export mounts nothing. Safe for use by many threads.
 */
final class LayerFileGetter implements FileGetter {

  /** Opens the layers merged; null if there is nothing below. */
  @FunctionalInterface
  interface Merged {
    @Nullable MergedView open() throws LayerStoreException;
  }

  private static final long MAX_READ_BYTES = 1 << 20;

  private final ScanPool own;

  /** For what is asked out of turn, which would end what was announced. */
  private final ScanPool aside;

  private final Merged merged;
  private @Nullable MergedView view;
  private boolean isClosed;

  LayerFileGetter(ScanPool.Opener own, Merged merged) {
    this.own = new ScanPool(own);
    this.aside = new ScanPool(own);
    this.merged = merged;
  }

  @Override
  public void announceOpen(LayerPath path, long sizeBytes) throws LayerStoreException {
    requireOpen();
    own.announce(scan -> scan.announceOpen(path, sizeBytes, true));
  }

  @Override
  public void announceLook(LayerPath path) throws LayerStoreException {
    requireOpen();
    own.announce(scan -> scan.announceFind(path, XattrChoice.NONE));
  }

  @Override
  public InputStream open(LayerPath path, long sizeBytes) throws LayerStoreException {
    return open(own, path, sizeBytes);
  }

  private InputStream open(ScanPool scans, LayerPath path, long sizeBytes)
      throws LayerStoreException {
    requireOpen();
    try {
      return scans.open(path, sizeBytes, true);
    } catch (LayerVerificationException e) {
      MergedView all = merged();
      if (all == null) {
        throw e;
      }
      return all.scans().open(path, sizeBytes, true);
    }
  }

  @Override
  public void check(LayerPath path, long sizeBytes) throws LayerStoreException {
    requireOpen();
    if (isInOwn(path, sizeBytes)) {
      return;
    }
    // Behind a link, or in a layer below. A small file is read to its end, for a helper that was
    // not is of no more use.
    try (InputStream content = open(aside, path, sizeBytes)) {
      if (sizeBytes <= MAX_READ_BYTES) {
        content.transferTo(OutputStream.nullOutputStream());
      }
    } catch (LayerStoreException e) {
      throw e;
    } catch (IOException e) {
      throw LayerDirectories.failure(null, "cannot look at /" + path, e);
    }
  }

  private boolean isInOwn(LayerPath path, long sizeBytes) throws LayerStoreException {
    TreeNode node = find(own, path);
    return node != null && node.type() == EntryType.FILE && node.sizeBytes() == sizeBytes;
  }

  @Override
  public boolean exists(LayerPath path) throws LayerStoreException {
    requireOpen();
    TreeNode node = find(own, path);
    LayerPath above = path;
    while (node == null && !above.isRoot()) {
      above = above.parent();
      node = find(aside, above);
    }
    // What is behind a link may be in a layer below.
    return above.equals(path) || node == null || node.type() != EntryType.DIRECTORY;
  }

  /** What the layer itself has there; null also for what is behind a link. */
  private static @Nullable TreeNode find(ScanPool scans, LayerPath path)
      throws LayerStoreException {
    try {
      return scans.ask(scan -> scan.find(path, XattrChoice.NONE)).orElse(null);
    } catch (LayerVerificationException | ConcurrentChangeException e) {
      return null;
    }
  }

  private synchronized @Nullable MergedView merged() throws LayerStoreException {
    requireOpen();
    if (view == null) {
      view = merged.open();
    }
    return view;
  }

  private synchronized void requireOpen() {
    if (isClosed) {
      throw new IllegalStateException("the files are no longer open");
    }
  }

  @Override
  public synchronized void close() throws LayerStoreException {
    if (isClosed) {
      return;
    }
    isClosed = true;
    MergedView opened = view;
    try (own;
        aside) {
      if (opened != null) {
        opened.close();
      }
    }
  }
}
