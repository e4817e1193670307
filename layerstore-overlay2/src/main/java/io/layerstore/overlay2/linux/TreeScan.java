package io.layerstore.overlay2.linux;

import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;

/**
 * A look at a tree as it is on the disk. Links are never followed, unless said otherwise; sockets
 * are not shown.
 *
 * <p>Used by one thread at a time, for one thing at a time: what a method returned is to be closed
 * before the next call.
 */
public interface TreeScan extends AutoCloseable {

  /**
   * Everything below {@code directory}, depth first: a directory comes before what is in it, names
   * in the order of their bytes.
   *
   * @param withContent whether {@link NodeReader#content} will be asked for
   * @param xattrs which extended attributes to give
   */
  NodeReader scan(LayerPath directory, boolean withContent, XattrChoice xattrs)
      throws LayerStoreException;

  /** The sum of the sizes of files and symbolic links in bytes, each inode once. */
  long sizeBytes() throws LayerStoreException;

  /**
   * What is directly in {@code directory}, names in the order of their bytes; throws if it is no
   * directory.
   */
  List<TreeNode> list(LayerPath directory, XattrChoice xattrs) throws LayerStoreException;

  /** What is at {@code path}; empty if there is nothing. */
  Optional<TreeNode> find(LayerPath path, XattrChoice xattrs) throws LayerStoreException;

  /**
   * Opens a regular file.
   *
   * @param sizeBytes the size it must have, in bytes
   * @param followsLinks whether symbolic links on the way, not at its end, are followed inside the
   *     tree
   * @return its content, to be closed before anything else is asked; {@code read} throws {@link
   *     io.layerstore.ConcurrentChangeException} if the file changes meanwhile
   * @throws io.layerstore.LayerVerificationException if it is missing, no regular file, or of
   *     another size
   */
  InputStream open(LayerPath path, long sizeBytes, boolean followsLinks) throws LayerStoreException;

  /**
   * Says that {@link #open} will be called like this, after what was announced before: the helper
   * begins to read. What is called in another order, or was not announced, is answered all the
   * same, and ends the announcements that were made.
   */
  void announceOpen(LayerPath path, long sizeBytes, boolean followsLinks)
      throws LayerStoreException;

  /** The same for {@link #find}. */
  void announceFind(LayerPath path, XattrChoice xattrs) throws LayerStoreException;

  /** Ends it. A second call does nothing. */
  @Override
  void close() throws LayerStoreException;

  /**
   * Which extended attributes to give; overlay's own are never among them, escaped ones come under
   * their true name.
   */
  enum XattrChoice {
    /** None. */
    NONE,
    /** {@code security.capability}, which is what Docker exports. */
    CAPABILITY,
    /** All. */
    ALL
  }
}
