package io.layerstore.overlay2;

import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.LayerVerificationException;
import io.layerstore.driver.BlockFilterStream;
import io.layerstore.driver.Closing;
import io.layerstore.overlay2.linux.TreeScan;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Looks at one tree through as many helpers as there are things looked at at the same time; usually
 * one.
 *
 * <p>Safe for use by many threads.
 */
final class ScanPool implements AutoCloseable {

  /** What is read to its end rather than given up with its helper: starting one costs more. */
  private static final long LITTLE_BYTES = 1 << 20;

  /** Opens a look at the tree. */
  @FunctionalInterface
  interface Opener {
    TreeScan open() throws LayerStoreException;
  }

  /** A question that is answered at once. */
  @FunctionalInterface
  interface Question<T> {
    T ask(TreeScan scan) throws LayerStoreException;
  }

  /** Says what will be asked. */
  @FunctionalInterface
  interface Announcement {
    void make(TreeScan scan) throws LayerStoreException;
  }

  private final Opener opener;
  private final Deque<TreeScan> idle = new ArrayDeque<>();
  private boolean isClosed;

  ScanPool(Opener opener) {
    this.opener = opener;
  }

  /** Asks what is answered before this returns. */
  <T> T ask(Question<T> question) throws LayerStoreException {
    TreeScan scan = take();
    T answer;
    try {
      answer = question.ask(scan);
    } catch (LayerVerificationException e) {
      // An answer like another: the helper waits for the next question.
      giveBack(scan);
      throw e;
    } catch (LayerStoreException | RuntimeException e) {
      discard(scan, e);
      throw e;
    }
    giveBack(scan);
    return answer;
  }

  /** Opens a regular file; see {@link TreeScan#open}. */
  InputStream open(LayerPath path, long sizeBytes, boolean followsLinks)
      throws LayerStoreException {
    TreeScan scan = take();
    InputStream content;
    try {
      content = scan.open(path, sizeBytes, followsLinks);
    } catch (LayerVerificationException e) {
      // An answer like another: the helper waits for the next question.
      giveBack(scan);
      throw e;
    } catch (LayerStoreException | RuntimeException e) {
      discard(scan, e);
      throw e;
    }
    return new Content(content, sizeBytes, scan);
  }

  /** Tells the scan that is asked next what comes; see {@link TreeScan#announceOpen}. */
  void announce(Announcement announcement) throws LayerStoreException {
    ask(
        scan -> {
          announcement.make(scan);
          return scan;
        });
  }

  private TreeScan take() throws LayerStoreException {
    synchronized (this) {
      if (isClosed) {
        throw new IllegalStateException("the layer is no longer open");
      }
      TreeScan scan = idle.pollFirst();
      if (scan != null) {
        return scan;
      }
    }
    return opener.open();
  }

  private void giveBack(TreeScan scan) throws LayerStoreException {
    synchronized (this) {
      if (!isClosed) {
        idle.addFirst(scan);
        return;
      }
    }
    scan.close();
  }

  private static void discard(TreeScan scan, Exception failure) {
    Closing.after(failure, scan::close);
  }

  @Override
  public void close() throws LayerStoreException {
    Deque<TreeScan> rest;
    synchronized (this) {
      isClosed = true;
      rest = new ArrayDeque<>(idle);
      idle.clear();
    }
    for (TreeScan scan : rest) {
      scan.close();
    }
  }

  /**
   * The content of a file. What is left of it when it is closed is read and dropped if that is
   * little, as for everybody who takes exactly as many bytes as the file has and never sees the
   * end; a helper that still has much to say is of no more use.
   */
  private final class Content extends BlockFilterStream {
    private final TreeScan scan;
    private long left;
    private boolean isContentClosed;

    Content(InputStream content, long sizeBytes, TreeScan scan) {
      super(content);
      this.left = sizeBytes;
      this.scan = scan;
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      int count = in.read(target, offset, length);
      left = count < 0 ? 0 : left - count;
      return count;
    }

    @Override
    public void close() throws IOException {
      if (isContentClosed) {
        return;
      }
      isContentClosed = true;
      if (left > LITTLE_BYTES) {
        scan.close();
        return;
      }
      try {
        in.close();
      } catch (IOException | RuntimeException e) {
        discard(scan, e);
        throw e;
      }
      giveBack(scan);
    }
  }
}
