package io.layerstore.overlay2;

import io.layerstore.Change;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.OperationInterruptedException;
import io.layerstore.driver.EntryComparison;
import io.layerstore.overlay2.linux.TreeNode;
import io.layerstore.overlay2.linux.TreeScan.XattrChoice;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.LayerTree;
import io.layerstore.spi.TreeEntry;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Tells how a layer differs from those below, out of its own directory: only what is there is
 * looked up below, to tell what is new from what was changed.
 *
 * <p>The order is depth first, names by their bytes. A directory is listed before what is in it,
 * and only if it differs itself or something in it does. Gives what a comparison of the whole trees
 * gives, with one more thing found: a file whose content was changed and whose size and time were
 * kept.
 */
final class UpperChanges implements AutoCloseable {

  /** How many entries are looked up below at a time. */
  private static final int MAX_LOOKUPS = 512;

  private final ScanPool upper;
  private final NodeEntries entries;
  private final @Nullable LayerTree lower;
  private final Deque<Directory> directories = new ArrayDeque<>();
  private final Deque<Change> ready = new ArrayDeque<>();

  /**
   * Compares.
   *
   * @param upper looks at the layer's own directory; closed with this
   * @param lower the layers below; null for none; closed with this
   */
  UpperChanges(ScanPool upper, NodeEntries entries, @Nullable LayerTree lower) {
    this.upper = upper;
    this.entries = entries;
    this.lower = lower;
  }

  /** The next difference, or null after the last. */
  @Nullable Change next() throws LayerStoreException {
    if (directories.isEmpty() && ready.isEmpty()) {
      Optional<TreeNode> root =
          upper.ask(scan -> scan.find(LayerPath.ROOT, XattrChoice.CAPABILITY));
      boolean isOpaque = root.isPresent() && root.get().isOpaque();
      directories.addLast(open(LayerPath.ROOT, lower != null, isOpaque, true));
    }
    while (ready.isEmpty()) {
      Directory directory = directories.getLast();
      TreeNode node = directory.nodes.peekFirst();
      LayerPath hidden = directory.hidden.peekFirst();
      if (hidden != null && (node == null || hidden.compareTo(node.path()) < 0)) {
        directory.hidden.removeFirst();
        report(Change.Kind.DELETED, hidden);
      } else if (node != null) {
        compare(directory, node);
      } else if (directories.size() == 1) {
        return null; // The root stays, so that a further call gives the end again.
      } else {
        directories.removeLast();
      }
    }
    return ready.pollFirst();
  }

  private Directory open(LayerPath path, boolean isBelow, boolean isOpaque, boolean isReported)
      throws LayerStoreException {
    if (Thread.currentThread().isInterrupted()) {
      throw new OperationInterruptedException("comparing layers", null);
    }
    List<TreeNode> nodes = upper.ask(scan -> scan.list(path, XattrChoice.CAPABILITY));
    List<LayerPath> hidden = new ArrayList<>();
    if (isBelow && isOpaque && lower != null) {
      Set<LayerPath> present = new HashSet<>();
      for (TreeNode node : nodes) {
        present.add(node.path());
      }
      for (LayerTree.Node node : lower.list(path)) {
        if (!present.contains(node.entry().path())) {
          hidden.add(node.entry().path());
        }
      }
    }
    return new Directory(
        path, isBelow, isReported, new ArrayDeque<>(nodes), new ArrayDeque<>(hidden));
  }

  private void compare(Directory directory, TreeNode node) throws LayerStoreException {
    LayerPath path = node.path();
    LayerTree.Node below = directory.takeBelow(lower);
    if (node.type() == EntryType.WHITEOUT) {
      if (below != null) {
        report(Change.Kind.DELETED, path);
      }
      return;
    }
    entries.requireWhole(node);
    boolean isReported = true;
    if (below == null) {
      report(Change.Kind.ADDED, path);
    } else if (!entries.hasOwnerInside(node) || differs(below, entries.entry(node))) {
      report(Change.Kind.MODIFIED, path);
    } else {
      isReported = false;
    }
    if (node.type() == EntryType.DIRECTORY) {
      boolean isMerged = below != null && below.entry().type() == EntryType.DIRECTORY;
      directories.addLast(open(path, isMerged, node.isOpaque(), isReported));
    }
  }

  private boolean differs(LayerTree.Node below, TreeEntry entry) throws LayerStoreException {
    return lower != null
        && EntryComparison.differs(
            below.entry(),
            () -> lower.open(below),
            entry,
            () -> upper.open(entry.path(), entry.sizeBytes(), false),
            true);
  }

  /** Lists a difference, after the directories that it is in. */
  private void report(Change.Kind kind, LayerPath path) {
    for (Directory directory : directories) {
      if (!directory.isReported) {
        directory.isReported = true;
        ready.addLast(new Change(Change.Kind.MODIFIED, directory.path));
      }
    }
    ready.addLast(new Change(kind, path));
  }

  @Override
  public void close() throws LayerStoreException {
    try (upper) {
      if (lower != null) {
        lower.close();
      }
    }
  }

  /** A directory on the way down. */
  private static final class Directory {
    final LayerPath path;
    final boolean isBelow;
    boolean isReported;
    final Deque<TreeNode> nodes;

    /** What is below the first nodes, as far as it was looked up. */
    final Deque<Optional<LayerTree.Node>> below = new ArrayDeque<>();

    /** What is only below, and hidden because the directory is opaque. */
    final Deque<LayerPath> hidden;

    Directory(
        LayerPath path,
        boolean isBelow,
        boolean isReported,
        Deque<TreeNode> nodes,
        Deque<LayerPath> hidden) {
      this.path = path;
      this.isBelow = isBelow;
      this.isReported = isReported;
      this.nodes = nodes;
      this.hidden = hidden;
    }

    /** Takes the first node away, and gives what is below it; null if there is nothing. */
    LayerTree.@Nullable Node takeBelow(@Nullable LayerTree lower) throws LayerStoreException {
      if (!isBelow || lower == null) {
        nodes.removeFirst();
        return null;
      }
      if (below.isEmpty()) {
        below.addAll(lower.findAll(nodes.stream().limit(MAX_LOOKUPS).map(TreeNode::path).toList()));
      }
      nodes.removeFirst();
      return below.removeFirst().orElse(null);
    }
  }
}
