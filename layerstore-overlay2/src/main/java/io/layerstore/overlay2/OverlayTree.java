package io.layerstore.overlay2;

import io.layerstore.ConcurrentChangeException;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.LayerVerificationException;
import io.layerstore.overlay2.linux.TreeNode;
import io.layerstore.overlay2.linux.TreeScan.XattrChoice;
import io.layerstore.spi.LayerTree;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A layer merged with those below by the kernel, entry by entry.
 *
 * <p>Never tells that two trees share storage: overlay shows a file that was copied up under the
 * inode number it had below, so equal numbers prove nothing.
 */
final class OverlayTree implements LayerTree {

  /** Two names are one file if these are equal. */
  private record FileId(long fileSystem, long inode) {}

  private final MergedView view;
  private final NodeEntries entries;
  private boolean isClosed;

  OverlayTree(MergedView view, NodeEntries entries) {
    this.view = view;
    this.entries = entries;
  }

  @Override
  public Optional<Node> find(LayerPath path) throws LayerStoreException {
    return findAll(List.of(path)).get(0);
  }

  @Override
  public List<Optional<Node>> findAll(List<LayerPath> paths) throws LayerStoreException {
    requireOpen();
    return view.scans()
        .ask(
            scan -> {
              for (LayerPath path : paths) {
                scan.announceFind(path, XattrChoice.ALL);
              }
              List<Optional<Node>> found = new ArrayList<>(paths.size());
              for (LayerPath path : paths) {
                TreeNode node = scan.find(path, XattrChoice.ALL).orElse(null);
                found.add(
                    node == null || !NodeEntries.isVisible(node)
                        ? Optional.empty()
                        : Optional.of(node(node)));
              }
              return found;
            });
  }

  @Override
  public List<Node> list(LayerPath path) throws LayerStoreException {
    requireOpen();
    List<Node> nodes = new ArrayList<>();
    for (TreeNode node : view.scans().ask(scan -> scan.list(path, XattrChoice.ALL))) {
      if (NodeEntries.isVisible(node)) {
        nodes.add(node(node));
      }
    }
    return nodes;
  }

  private Node node(TreeNode node) throws LayerStoreException {
    return new Node(
        entries.entry(node),
        new FileId(node.fileSystem(), node.inode()),
        (int) Math.min(node.links(), Integer.MAX_VALUE),
        null);
  }

  @Override
  public InputStream open(Node node) throws LayerStoreException {
    requireOpen();
    LayerPath path = node.entry().path();
    try {
      return view.scans().open(path, node.entry().sizeBytes(), false);
    } catch (LayerVerificationException e) {
      throw new ConcurrentChangeException(path.toString(), e);
    }
  }

  private void requireOpen() {
    if (isClosed) {
      throw new IllegalStateException("the tree is no longer open");
    }
  }

  @Override
  public void close() throws LayerStoreException {
    if (!isClosed) {
      isClosed = true;
      view.close();
    }
  }
}
