package io.layerstore.overlay2;

import io.layerstore.Change;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.overlay2.linux.NodeReader;
import io.layerstore.overlay2.linux.TreeNode;
import io.layerstore.overlay2.linux.TreeScan;
import io.layerstore.overlay2.linux.TreeScan.XattrChoice;
import io.layerstore.spi.LayerTree;
import io.layerstore.spi.NativeDiff;
import io.layerstore.spi.TreeReader;
import java.io.UncheckedIOException;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * The difference between a layer and the one below, read from the layer's own directory.
 *
 * <p>That directory is the whole difference only if nothing in it stands for something below.
 * Mounts made here see to that; one made elsewhere, with {@code redirect_dir} or {@code metacopy}
 * on, may have left such marks. So the marks are looked for first, and where there is one the trees
 * are compared instead.
 */
final class OverlayDiff implements NativeDiff {

  /** What the diff needs of the driver. */
  interface Source {
    /** Opens the layer's own directory. */
    TreeScan openOwn() throws LayerStoreException;

    /** Opens the layers below, merged; null if there are none. */
    @Nullable LayerTree openParent() throws LayerStoreException;

    /** The difference made by comparing trees. */
    NativeDiff comparison();
  }

  private final Source source;
  private final NodeEntries entries;

  OverlayDiff(Source source, NodeEntries entries) {
    this.source = source;
    this.entries = entries;
  }

  /** What a first look at the directory told. */
  private record Survey(boolean isComplete, long sizeBytes) {}

  private Survey survey() throws LayerStoreException {
    boolean isComplete = true;
    try (TreeScan scan = source.openOwn();
        NodeReader nodes = scan.scan(LayerPath.ROOT, false, XattrChoice.NONE)) {
      for (TreeNode node = nodes.next(); node != null; node = nodes.next()) {
        isComplete &= !node.isRedirected() && !node.isMetacopy();
      }
      return new Survey(isComplete, nodes.sizeBytes());
    }
  }

  @Override
  public TreeReader entries() throws LayerStoreException {
    return survey().isComplete()
        ? UpperReader.open(source.openOwn(), entries)
        : source.comparison().entries();
  }

  /**
   * {@inheritDoc}
   *
   * <p>The stream throws {@link UncheckedIOException} with what looking at the layers throws.
   */
  @Override
  public Stream<Change> changes() throws LayerStoreException {
    if (!survey().isComplete()) {
      return source.comparison().changes();
    }
    UpperChanges changes =
        new UpperChanges(new ScanPool(source::openOwn), entries, source.openParent());
    return StreamSupport.stream(new Changes(changes), false)
        .onClose(
            () -> {
              try {
                changes.close();
              } catch (LayerStoreException e) {
                throw new UncheckedIOException(e);
              }
            });
  }

  @Override
  public long sizeBytes() throws LayerStoreException {
    Survey survey = survey();
    return survey.isComplete() ? survey.sizeBytes() : source.comparison().sizeBytes();
  }

  /** The differences one by one, as a stream wants them. */
  private static final class Changes extends Spliterators.AbstractSpliterator<Change> {
    private final UpperChanges changes;

    Changes(UpperChanges changes) {
      super(Long.MAX_VALUE, Spliterator.ORDERED | Spliterator.DISTINCT | Spliterator.NONNULL);
      this.changes = changes;
    }

    @Override
    public boolean tryAdvance(Consumer<? super Change> action) {
      Change change;
      try {
        change = changes.next();
      } catch (LayerStoreException e) {
        throw new UncheckedIOException(e);
      }
      if (change == null) {
        return false;
      }
      action.accept(change);
      return true;
    }
  }
}
