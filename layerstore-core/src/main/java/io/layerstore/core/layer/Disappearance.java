package io.layerstore.core.layer;

import io.layerstore.Change;
import io.layerstore.ConcurrentChangeException;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerStoreException;
import io.layerstore.OperationInterruptedException;
import io.layerstore.RWLayerNotFoundException;
import io.layerstore.core.state.MountedLayer;
import io.layerstore.core.state.RoLayer;
import io.layerstore.core.state.StoreContext;
import io.layerstore.core.state.StoreLifecycle;
import io.layerstore.core.work.Interrupts;
import io.layerstore.driver.BlockFilterStream;
import io.layerstore.spi.HelperFailureException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.util.Objects;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * Tells a layer that somebody deleted while it was read from one that is damaged.
 *
 * <p>A store that only reads may share its root with a dockerd, which deletes the record of a layer
 * before the files. So when reading fails, the record is looked at again: if it is gone, or is that
 * of a layer that was deleted and made again, that is what happened, wherever it was noticed. Of a
 * read-write layer dockerd deletes the files first: there a directory that is gone says the same,
 * and one that is going is a concurrent change.
 */
final class Disappearance {

  /** What there is to read of a layer, and what to make of a failure. */
  interface Explanation {
    LayerStoreException of(IOException failure);
  }

  private static final int ENOENT = 2;

  private final StoreContext store;

  Disappearance(StoreContext store) {
    this.store = store;
  }

  /** What to throw for a failure of {@code operation}, which reads {@code layer}. */
  LayerStoreException explain(RoLayer layer, String operation, IOException failure) {
    LayerStoreException translated = Interrupts.translate(operation, failure);
    if (translated instanceof OperationInterruptedException || !isGone(layer)) {
      return DriverFailures.named("layer " + layer.chainId(), translated);
    }
    return because(new LayerNotFoundException(layer.chainId().toString()), failure);
  }

  /** The same for a read-write layer. */
  LayerStoreException explain(MountedLayer layer, String operation, IOException failure) {
    LayerStoreException translated = Interrupts.translate(operation, failure);
    if (translated instanceof OperationInterruptedException
        || translated instanceof ConcurrentChangeException) {
      return translated;
    }
    if (isGone(layer)) {
      return because(new RWLayerNotFoundException(layer.name()), failure);
    }
    boolean isGoing = store.options().readOnly() && isAbsence(failure);
    return isGoing
        ? new ConcurrentChangeException("", failure)
        : DriverFailures.named("read-write layer " + layer.name(), translated);
  }

  private static LayerStoreException because(LayerStoreException gone, IOException failure) {
    gone.initCause(failure);
    return gone;
  }

  private boolean isGone(RoLayer layer) {
    // Streams that were given out may be read after the store was closed.
    try (StoreLifecycle.Call call = store.lifecycle().enterIfOpen()) {
      return call != null
          && !store.metadata().layer(layer.chainId()).cacheId().equals(layer.cacheId());
    } catch (LayerNotFoundException e) {
      return true;
    } catch (LayerStoreException e) {
      return false;
    }
  }

  private boolean isGone(MountedLayer layer) {
    try (StoreLifecycle.Call call = store.lifecycle().enterIfOpen()) {
      return call != null
          && (!store.metadata().rwLayer(layer.name()).mountId().equals(layer.mountId())
              || (store.options().readOnly() && !store.driver().exists(layer.mountId())));
    } catch (RWLayerNotFoundException e) {
      return true;
    } catch (LayerStoreException e) {
      return false;
    }
  }

  /** Whether something was not there. */
  private static boolean isAbsence(IOException failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof NoSuchFileException
          || (cause instanceof HelperFailureException helper && helper.errno() == ENOENT)) {
        return true;
      }
    }
    return false;
  }

  /** An archive that is made while it is read. */
  static InputStream explain(InputStream archive, Explanation explanation) {
    return new ExplainedStream(archive, explanation);
  }

  /** Changes that are found while they are read. */
  static Stream<Change> explain(Stream<Change> changes, Explanation explanation) {
    return StreamSupport.stream(
            new ExplainedChanges(changes.spliterator(), explanation), changes.isParallel())
        .onClose(changes::close);
  }

  private static final class ExplainedStream extends BlockFilterStream {
    private final Explanation explanation;

    ExplainedStream(InputStream archive, Explanation explanation) {
      super(archive);
      this.explanation = explanation;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      try {
        return in.read(bytes, offset, length);
      } catch (IOException e) {
        throw explanation.of(e);
      }
    }
  }

  private static final class ExplainedChanges extends Spliterators.AbstractSpliterator<Change> {
    private final Spliterator<Change> changes;
    private final Explanation explanation;

    ExplainedChanges(Spliterator<Change> changes, Explanation explanation) {
      super(changes.estimateSize(), changes.characteristics());
      this.changes = changes;
      this.explanation = explanation;
    }

    @Override
    public boolean tryAdvance(Consumer<? super Change> action) {
      try {
        return changes.tryAdvance(action);
      } catch (UncheckedIOException e) {
        throw new UncheckedIOException(explanation.of(Objects.requireNonNull(e.getCause())));
      }
    }
  }
}
