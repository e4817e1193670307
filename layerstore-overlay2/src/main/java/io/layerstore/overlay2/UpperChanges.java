package io.layerstore.overlay2;

import io.layerstore.Change;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.OperationInterruptedException;
import io.layerstore.driver.EntryComparison;
import io.layerstore.overlay2.linux.NodeReader;
import io.layerstore.overlay2.linux.TreeNode;
import io.layerstore.overlay2.linux.TreeScan;
import io.layerstore.overlay2.linux.TreeScan.XattrChoice;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.LayerTree;
import io.layerstore.spi.TreeEntry;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
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

  private final ScanPool.Opener own;
  private final NodeEntries entries;
  private final @Nullable LayerTree lower;

  /** Opens files of the layer's own directory, of which few are compared. */
  private final ScanPool files;

  private @Nullable TreeScan scan;
  private @Nullable NodeReader nodes;
  private boolean hasEnded;

  /** The directories on the way down to the node that was read last. */
  private final Deque<ReadDirectory> readDirectories = new ArrayDeque<>();

  /** The directories on the way down to the node that was compared last. */
  private final Deque<Directory> directories = new ArrayDeque<>();

  /** What was read, and looked up below. */
  private final Deque<Pair> pairs = new ArrayDeque<>();

  private final Deque<Change> ready = new ArrayDeque<>();

  /**
   * A node of the layer's own directory.
   *
   * @param below what is at its path in the layers below, if that matters and is anything
   */
  private record Pair(TreeNode node, LayerTree.@Nullable Node below) {}

  /**
   * Compares.
   *
   * @param own opens the layer's own directory
   * @param lower the layers below; null for none; closed with this
   */
  UpperChanges(ScanPool.Opener own, NodeEntries entries, @Nullable LayerTree lower) {
    this.own = own;
    this.entries = entries;
    this.lower = lower;
    this.files = new ScanPool(own);
  }

  /** The next difference, or null after the last. */
  @Nullable Change next() throws LayerStoreException {
    NodeReader reader = nodes == null ? begin() : nodes;
    while (ready.isEmpty()) {
      Pair pair = pairs.poll();
      if (pair != null) {
        compare(pair);
      } else if (!hasEnded) {
        read(reader);
      } else if (directories.getLast().hidden.isEmpty() && directories.size() == 1) {
        return null; // The root stays, so that a further call gives the end again.
      } else {
        leave(LayerPath.ROOT);
        reportHidden(directories.getLast(), null);
      }
    }
    return ready.pollFirst();
  }

  private NodeReader begin() throws LayerStoreException {
    TreeScan opened = own.open();
    scan = opened;
    boolean isOpaque =
        opened.find(LayerPath.ROOT, XattrChoice.CAPABILITY).filter(TreeNode::isOpaque).isPresent();
    directories.addLast(open(LayerPath.ROOT, lower != null, isOpaque, true));
    readDirectories.addLast(new ReadDirectory(LayerPath.ROOT, lower != null));
    NodeReader reader = opened.scan(LayerPath.ROOT, false, XattrChoice.CAPABILITY);
    nodes = reader;
    return reader;
  }

  /**
   * Reads nodes and looks them up, all at once. What is in a directory that is looked up with it is
   * looked up too, and what was found dropped if the directory turns out not to be merged: an
   * answer for each directory would have to be waited for.
   */
  private void read(NodeReader reader) throws LayerStoreException {
    if (Thread.currentThread().isInterrupted()) {
      throw new OperationInterruptedException("comparing layers", null);
    }
    List<ReadNode> run = new ArrayList<>();
    List<LayerPath> lookups = new ArrayList<>();
    while (run.size() < MAX_LOOKUPS) {
      TreeNode node = reader.next();
      if (node == null) {
        hasEnded = true;
        break;
      }
      if (!node.path().isRoot()) {
        ReadNode read = place(node);
        run.add(read);
        if (read.isLookedUp) {
          lookups.add(node.path());
        }
      }
    }
    Iterator<Optional<LayerTree.Node>> found =
        lower == null || lookups.isEmpty()
            ? Collections.emptyIterator()
            : lower.findAll(lookups).iterator();
    for (ReadNode read : run) {
      LayerTree.Node below = read.isLookedUp ? found.next().orElse(null) : null;
      below = read.parent.isMerged ? below : null;
      if (read.directory != null) {
        read.directory.isMerged = isDirectory(below);
      }
      pairs.add(new Pair(read.node, below));
    }
  }

  /** Finds the directory that the next node is in; if it is one itself, goes down into it. */
  private ReadNode place(TreeNode node) {
    LayerPath path = node.path();
    while (!readDirectories.getLast().path.equals(path.parent())) {
      readDirectories.removeLast();
      if (readDirectories.isEmpty()) {
        throw new IllegalStateException("/" + path + " comes before the directory that it is in");
      }
    }
    ReadDirectory parent = readDirectories.getLast();
    ReadDirectory directory = null;
    if (node.type() == EntryType.DIRECTORY) {
      directory = new ReadDirectory(path, parent.isMerged);
      readDirectories.addLast(directory);
    }
    return new ReadNode(node, parent, directory, parent.isMerged);
  }

  private static boolean isDirectory(LayerTree.@Nullable Node below) {
    return below != null && below.entry().type() == EntryType.DIRECTORY;
  }

  private Directory open(LayerPath path, boolean isMerged, boolean isOpaque, boolean isReported)
      throws LayerStoreException {
    Deque<LayerPath> hidden = new ArrayDeque<>();
    if (isMerged && isOpaque && lower != null) {
      for (LayerTree.Node node : lower.list(path)) {
        hidden.addLast(node.entry().path());
      }
    }
    return new Directory(path, isReported, hidden);
  }

  /** Leaves the directories that are not on the way to what is in {@code parent}. */
  private void leave(LayerPath parent) {
    while (!directories.getLast().path.equals(parent)) {
      reportHidden(directories.getLast(), null);
      directories.removeLast();
    }
  }

  /** Reports what the directory hides and comes before {@code path}; null for all. */
  private void reportHidden(Directory directory, @Nullable LayerPath path) {
    LayerPath hidden = directory.hidden.peekFirst();
    while (hidden != null && (path == null || hidden.compareTo(path) < 0)) {
      directory.hidden.removeFirst();
      report(Change.Kind.DELETED, hidden);
      hidden = directory.hidden.peekFirst();
    }
    if (hidden != null && path != null && hidden.equals(path)) {
      directory.hidden.removeFirst();
    }
  }

  private void compare(Pair pair) throws LayerStoreException {
    TreeNode node = pair.node;
    LayerTree.Node below = pair.below;
    LayerPath path = node.path();
    leave(path.parent());
    reportHidden(directories.getLast(), path);
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
      directories.addLast(open(path, isDirectory(below), node.isOpaque(), isReported));
    }
  }

  private boolean differs(LayerTree.Node below, TreeEntry entry) throws LayerStoreException {
    return lower != null
        && EntryComparison.differs(
            below.entry(),
            () -> lower.open(below),
            entry,
            () -> files.open(entry.path(), entry.sizeBytes(), false),
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
    try (files) {
      if (scan != null) {
        scan.close();
      }
    } finally {
      if (lower != null) {
        lower.close();
      }
    }
  }

  /** A directory that was read. */
  private static final class ReadDirectory {
    final LayerPath path;

    /**
     * Whether it is merged with one below; as long as that was not looked up, whether it may be.
     */
    boolean isMerged;

    ReadDirectory(LayerPath path, boolean isMerged) {
      this.path = path;
      this.isMerged = isMerged;
    }
  }

  /**
   * A node that was read, before it is known what is below.
   *
   * @param parent the directory that it is in
   * @param directory the one that it is, if it is one
   * @param isLookedUp whether something may be below
   */
  private record ReadNode(
      TreeNode node, ReadDirectory parent, @Nullable ReadDirectory directory, boolean isLookedUp) {}

  /** A directory on the way down. */
  private static final class Directory {
    final LayerPath path;

    boolean isReported;

    /** What is only below, and hidden because the directory is opaque, as far as not reported. */
    final Deque<LayerPath> hidden;

    Directory(LayerPath path, boolean isReported, Deque<LayerPath> hidden) {
      this.path = path;
      this.isReported = isReported;
      this.hidden = hidden;
    }
  }
}
