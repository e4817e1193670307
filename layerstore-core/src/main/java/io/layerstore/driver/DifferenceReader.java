package io.layerstore.driver;

import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.LayerTree.Node;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.TreeReader;
import java.io.InputStream;
import java.time.Clock;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Gives out the differences between two trees as the entries of a layer.
 *
 * <p>Of a file with several names that are reported, the first is a regular file and the others are
 * hard links to it; a map remembers each such file until all its names have been seen.
 */
final class DifferenceReader implements TreeReader {

  private final TreePair trees;
  private final TreeComparer comparer;
  private final Attributes whiteoutAttributes;
  private final Map<Object, FirstName> firstNames = new HashMap<>();
  private @Nullable Node current;
  private boolean isClosed;

  DifferenceReader(TreePair trees, Clock clock) {
    this.trees = trees;
    // With nothing to compare with, moby archives the tree as it stands and does not sort paths.
    TreeComparer.Order order =
        trees.older() == null ? TreeComparer.Order.DEPTH_FIRST : TreeComparer.Order.PATH;
    this.comparer = new TreeComparer(trees.older(), trees.newer(), order);
    this.whiteoutAttributes = Attributes.of(0, roundToSecond(clock.instant()));
  }

  private static Instant roundToSecond(Instant time) {
    return time.plusMillis(500).truncatedTo(ChronoUnit.SECONDS);
  }

  @Override
  public @Nullable TreeEntry next() throws LayerStoreException {
    requireOpen();
    current = null;
    TreeDifference difference = comparer.next();
    if (difference == null) {
      return null;
    }
    Node node = difference.node();
    if (node == null) {
      return TreeEntry.whiteout(difference.path(), whiteoutAttributes);
    }
    LayerPath first = firstNameOf(node);
    if (first != null) {
      return TreeEntry.hardLink(difference.path(), node.entry().attributes(), first);
    }
    current = node;
    return node.entry();
  }

  /** The name under which the file was given out before; null if this is the first. */
  private @Nullable LayerPath firstNameOf(Node node) {
    if (node.names() < 2 || node.entry().type() == EntryType.DIRECTORY) {
      return null;
    }
    FirstName first = firstNames.get(node.fileId());
    if (first == null) {
      firstNames.put(node.fileId(), new FirstName(node.entry().path(), node.names() - 1));
      return null;
    }
    first.namesToCome--;
    if (first.namesToCome == 0) {
      firstNames.remove(node.fileId());
    }
    return first.path;
  }

  @Override
  public InputStream content() throws LayerStoreException {
    requireOpen();
    Node node = current;
    if (node == null || node.entry().type() != EntryType.FILE) {
      throw new IllegalStateException("the last entry was no regular file");
    }
    return trees.newer().open(node);
  }

  private void requireOpen() {
    if (isClosed) {
      throw new IllegalStateException("reader is closed");
    }
  }

  @Override
  public void close() throws LayerStoreException {
    isClosed = true;
    current = null;
    trees.close();
  }

  private static final class FirstName {
    final LayerPath path;
    int namesToCome;

    FirstName(LayerPath path, int namesToCome) {
      this.path = path;
      this.namesToCome = namesToCome;
    }
  }
}
