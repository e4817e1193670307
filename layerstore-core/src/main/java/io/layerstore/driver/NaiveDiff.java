package io.layerstore.driver;

import io.layerstore.Change;
import io.layerstore.LayerStoreException;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.LayerTree.Node;
import io.layerstore.spi.NativeDiff;
import io.layerstore.spi.TreeReader;
import java.io.UncheckedIOException;
import java.time.Clock;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * Gives a driver that cannot tell a layer from its parent by itself a diff, made by comparing the
 * two trees with {@link TreeComparer}.
 *
 * <p>Costs a look at every entry that both trees have, except where they share storage. Each call
 * looks at the trees as they are then.
 *
 * <p>The entries of a diff with a parent are in the order of their paths; a deletion has mode 0,
 * owner 0:0 and the time of the call, rounded to seconds. Without a parent they are the whole tree
 * without its root, a directory followed by what is in it. There are never opaque directories.
 *
 * <p>Safe for use by many threads. Does what {@code graphdriver.NaiveDiffDriver} of moby does, but
 * for its pause until the next second: where times are kept to the fraction of a second, a change
 * within the second of an export is found without it. On a file system that keeps whole seconds
 * only, a change of content within that second that leaves the size as it was is not found.
 */
public final class NaiveDiff implements NativeDiff {

  private final GraphDriver driver;
  private final String id;
  private final @Nullable String parent;
  private final Clock clock;

  private NaiveDiff(GraphDriver driver, String id, @Nullable String parent, Clock clock) {
    this.driver = Objects.requireNonNull(driver, "driver");
    this.id = Objects.requireNonNull(id, "id");
    this.parent = parent;
    this.clock = Objects.requireNonNull(clock, "clock");
  }

  /** What makes the layer {@code id} out of the layer {@code parent}, or out of nothing. */
  public static NativeDiff of(GraphDriver driver, String id, @Nullable String parent) {
    return of(driver, id, parent, Clock.systemUTC());
  }

  /** The same, with {@code clock} telling the time of deletions. */
  public static NativeDiff of(GraphDriver driver, String id, @Nullable String parent, Clock clock) {
    return new NaiveDiff(driver, id, parent, clock);
  }

  @Override
  public TreeReader entries() throws LayerStoreException {
    return new DifferenceReader(TreePair.open(driver, id, parent), clock);
  }

  /**
   * {@inheritDoc}
   *
   * <p>The stream throws {@link UncheckedIOException} with what a tree throws.
   */
  @Override
  public Stream<Change> changes() throws LayerStoreException {
    TreePair trees = TreePair.open(driver, id, parent);
    return StreamSupport.stream(new Changes(trees), false)
        .onClose(
            () -> {
              try {
                trees.close();
              } catch (LayerStoreException e) {
                throw new UncheckedIOException(e);
              }
            });
  }

  /** The size of what was added or modified and is no directory: each file once, links by text. */
  @Override
  public long sizeBytes() throws LayerStoreException {
    try (TreePair trees = TreePair.open(driver, id, parent)) {
      TreeComparer comparer = new TreeComparer(trees.older(), trees.newer());
      // The names still to come of each file that was counted and has several.
      Map<Object, Integer> counted = new HashMap<>();
      long size = 0;
      for (TreeDifference difference = comparer.next();
          difference != null;
          difference = comparer.next()) {
        Node node = difference.node();
        if (node != null
            && node.entry().type() != EntryType.DIRECTORY
            && isFirstName(node, counted)) {
          size = Math.addExact(size, EntryComparison.storedSize(node.entry()));
        }
      }
      return size;
    }
  }

  private static boolean isFirstName(Node node, Map<Object, Integer> counted) {
    if (node.names() < 2) {
      return true;
    }
    Integer toCome = counted.get(node.fileId());
    if (toCome == null) {
      counted.put(node.fileId(), node.names() - 1);
      return true;
    }
    if (toCome == 1) {
      counted.remove(node.fileId());
    } else {
      counted.put(node.fileId(), toCome - 1);
    }
    return false;
  }

  /** The differences one by one, as a stream wants them. */
  private static final class Changes extends Spliterators.AbstractSpliterator<Change> {
    private final TreeComparer comparer;

    Changes(TreePair trees) {
      super(Long.MAX_VALUE, Spliterator.ORDERED | Spliterator.DISTINCT | Spliterator.NONNULL);
      this.comparer = new TreeComparer(trees.older(), trees.newer());
    }

    @Override
    public boolean tryAdvance(Consumer<? super Change> action) {
      TreeDifference difference;
      try {
        difference = comparer.next();
      } catch (LayerStoreException e) {
        throw new UncheckedIOException(e);
      }
      if (difference == null) {
        return false;
      }
      action.accept(difference.toChange());
      return true;
    }
  }
}
