package io.layerstore.overlay2;

import io.layerstore.Change;
import io.layerstore.LayerStoreException;
import io.layerstore.overlay2.linux.TreeScan;
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
 * The difference between a layer and the one below, read from the layer's own directory in one
 * pass.
 *
 * <p>That directory is the whole difference only if nothing in it stands for something below.
 * Mounts made here see to that. One made elsewhere, with {@code redirect_dir} or {@code metacopy}
 * on, may have left marks of another kind; a diff that meets one is refused with a {@link
 * io.layerstore.DriverException} that names it, for mounts made here do not follow them either.
 */
final class OverlayDiff implements NativeDiff {

  /** What the diff needs of the driver. */
  interface Source {
    /** Opens the layer's own directory. */
    TreeScan openOwn() throws LayerStoreException;

    /** Opens the layers below, merged; null if there are none. */
    @Nullable LayerTree openParent() throws LayerStoreException;
  }

  private final Source source;
  private final NodeEntries entries;

  OverlayDiff(Source source, NodeEntries entries) {
    this.source = source;
    this.entries = entries;
  }

  @Override
  public TreeReader entries() throws LayerStoreException {
    return UpperReader.open(source.openOwn(), entries);
  }

  /**
   * {@inheritDoc}
   *
   * <p>The stream throws {@link UncheckedIOException} with what looking at the layers throws.
   */
  @Override
  public Stream<Change> changes() throws LayerStoreException {
    UpperChanges changes = new UpperChanges(source::openOwn, entries, source.openParent());
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
    try (TreeScan scan = source.openOwn()) {
      return scan.sizeBytes();
    }
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
