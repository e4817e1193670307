package io.layerstore.overlay2;

import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.overlay2.linux.NodeReader;
import io.layerstore.overlay2.linux.TreeNode;
import io.layerstore.overlay2.linux.TreeScan;
import io.layerstore.overlay2.linux.TreeScan.XattrChoice;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.TreeReader;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The entries of a layer's own directory, in one pass and in Docker's order: a directory at once
 * followed by what is in it, names by their bytes.
 *
 * <p>Memory grows only with the files of several names whose other names are still to come.
 */
final class UpperReader implements TreeReader {

  /** Two names are one file if these are equal. */
  private record FileId(long fileSystem, long inode) {}

  private final TreeScan scan;
  private final NodeReader nodes;
  private final NodeEntries entries;
  private final Map<FileId, FirstName> firstNames = new HashMap<>();
  private @Nullable TreeEntry opaqueMark;
  private boolean hasContent;
  private boolean isClosed;

  private UpperReader(TreeScan scan, NodeReader nodes, NodeEntries entries) {
    this.scan = scan;
    this.nodes = nodes;
    this.entries = entries;
  }

  /** Takes over {@code scan}. */
  static UpperReader open(TreeScan scan, NodeEntries entries) throws LayerStoreException {
    try {
      return new UpperReader(
          scan, scan.scan(LayerPath.ROOT, true, XattrChoice.CAPABILITY), entries);
    } catch (LayerStoreException | RuntimeException e) {
      scan.close();
      throw e;
    }
  }

  @Override
  public @Nullable TreeEntry next() throws LayerStoreException {
    requireOpen();
    hasContent = false;
    TreeEntry mark = opaqueMark;
    if (mark != null) {
      opaqueMark = null;
      return mark;
    }
    TreeNode node = nodes.next();
    while (node != null && node.path().isRoot()) {
      node = nodes.next();
    }
    if (node == null) {
      return null;
    }
    entries.requireWhole(node);
    TreeEntry entry = entries.entry(node);
    if (node.type() == EntryType.DIRECTORY) {
      opaqueMark = node.isOpaque() ? NodeEntries.opaqueMark(entry) : null;
      return entry;
    }
    // Kernel whiteouts share an inode; they are no names of one file.
    LayerPath first = node.type() == EntryType.WHITEOUT ? null : firstNameOf(node);
    if (first != null) {
      return TreeEntry.hardLink(node.path(), entry.attributes(), first);
    }
    hasContent = node.type() == EntryType.FILE;
    return entry;
  }

  /** The name under which the file was given out before; null if this is the first. */
  private @Nullable LayerPath firstNameOf(TreeNode node) {
    if (node.links() < 2) {
      return null;
    }
    FileId file = new FileId(node.fileSystem(), node.inode());
    FirstName first = firstNames.get(file);
    if (first == null) {
      firstNames.put(file, new FirstName(node.path(), node.links() - 1));
      return null;
    }
    first.namesToCome--;
    if (first.namesToCome == 0) {
      firstNames.remove(file);
    }
    return first.path;
  }

  @Override
  public InputStream content() throws LayerStoreException {
    requireOpen();
    if (!hasContent) {
      throw new IllegalStateException("the last entry was no regular file");
    }
    return nodes.content();
  }

  private void requireOpen() {
    if (isClosed) {
      throw new IllegalStateException("the reader is closed");
    }
  }

  @Override
  public void close() throws LayerStoreException {
    if (!isClosed) {
      isClosed = true;
      scan.close();
    }
  }

  private static final class FirstName {
    final LayerPath path;
    long namesToCome;

    FirstName(LayerPath path, long namesToCome) {
      this.path = path;
      this.namesToCome = namesToCome;
    }
  }
}
