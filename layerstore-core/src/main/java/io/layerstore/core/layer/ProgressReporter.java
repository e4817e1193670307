package io.layerstore.core.layer;

import io.layerstore.DiffId;
import io.layerstore.Progress;
import io.layerstore.Progress.Kind;
import io.layerstore.Progress.LayerProgress;
import io.layerstore.Progress.Operation;
import io.layerstore.Progress.Phase;
import io.layerstore.StoreUser;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells a listener how far one operation has come: at every change of phase, and about ten times a
 * second in between. Safe for use by many threads, of which one at a time calls the listener.
 */
public final class ProgressReporter {

  private static final Logger log = LoggerFactory.getLogger(ProgressReporter.class);
  private static final long INTERVAL_NANOS = 100_000_000;
  private static final AtomicLong nextId = new AtomicLong(1);

  private final Progress.@Nullable Listener listener;
  private final Operation operation;
  private final @Nullable String image;
  private OptionalLong totalBytes = OptionalLong.empty();
  private @Nullable Phase phase;
  private long bytes;
  private long entries;

  /**
   * @param listener who is told; empty for nobody
   * @param image the image that all layers are of; null if there is none, or each layer says it
   */
  ProgressReporter(Optional<Progress.Listener> listener, Kind kind, @Nullable String image) {
    this.listener = listener.orElse(null);
    this.operation = new Operation(nextId.getAndIncrement(), kind);
    this.image = image;
  }

  /** Says how many bytes are still to come. */
  synchronized void expect(OptionalLong moreBytes) {
    totalBytes = moreBytes.isPresent() ? OptionalLong.of(bytes + moreBytes.getAsLong()) : moreBytes;
  }

  /** Begins a phase of the whole operation. */
  public void phase(Phase next) {
    phase(next, null);
  }

  private synchronized void phase(Phase next, @Nullable OfLayer layer) {
    phase = next;
    report(layer, null);
  }

  /**
   * Begins to count what is done with the only layer of the operation.
   *
   * @param diffId its diff ID, or null if it is not known yet
   */
  OfLayer onlyLayer(@Nullable DiffId diffId) {
    return new OfLayer(image, diffId, true);
  }

  /**
   * Begins to count what is done with one of several layers.
   *
   * @param image the image it is of; null for that of the operation
   */
  OfLayer layer(@Nullable String image, DiffId diffId) {
    return new OfLayer(image == null ? this.image : image, diffId, false);
  }

  /**
   * Begins to write the archive of one of several layers.
   *
   * @param image the image it is of
   * @param archiveBytes how many bytes it has
   */
  public OfLayer writing(String image, DiffId diffId, long archiveBytes) {
    OfLayer layer = layer(image, diffId);
    layer.expect(OptionalLong.of(archiveBytes));
    layer.phase(Phase.WRITING);
    return layer;
  }

  private void report(@Nullable OfLayer layer, @Nullable StoreUser waitingFor) {
    if (phase != null) {
      report(
          phase,
          layer == null ? image : layer.image,
          Optional.ofNullable(layer).map(OfLayer::progress),
          waitingFor);
    }
  }

  private void report(
      Phase now,
      @Nullable String of,
      Optional<LayerProgress> layer,
      @Nullable StoreUser waitingFor) {
    if (listener == null) {
      return;
    }
    Progress progress =
        new Progress(
            operation,
            now,
            Optional.ofNullable(of),
            layer,
            bytes,
            entries,
            totalBytes,
            Optional.ofNullable(waitingFor));
    try {
      listener.onProgress(progress);
    } catch (RuntimeException e) {
      log.warn("a progress listener failed", e);
    }
  }

  /** Counts for one layer and for the operation at once; the operation's lock guards it. */
  public final class OfLayer {
    private final @Nullable String image;
    private final boolean isOnly;
    private OptionalLong layerTotal = OptionalLong.empty();
    private @Nullable DiffId diffId;
    private long layerBytes;
    private long lastNanos = System.nanoTime();

    private OfLayer(@Nullable String image, @Nullable DiffId diffId, boolean isOnly) {
      this.image = image;
      this.diffId = diffId;
      this.isOnly = isOnly;
    }

    /** Says how many bytes are to come. */
    void expect(OptionalLong layerBytes) {
      synchronized (ProgressReporter.this) {
        layerTotal = layerBytes;
        if (isOnly) {
          totalBytes = layerBytes;
        }
      }
    }

    /** Counts bytes taken from the source. */
    public void addBytes(long count) {
      synchronized (ProgressReporter.this) {
        bytes += count;
        layerBytes += count;
        if (isDue()) {
          report(this, null);
        }
      }
    }

    private boolean isDue() {
      long now = System.nanoTime();
      boolean isDue = now - lastNanos >= INTERVAL_NANOS;
      lastNanos = isDue ? now : lastNanos;
      return isDue;
    }

    /** Says how much of the archive has come, from where it is read. */
    public void fetched(long count, long archiveBytes) {
      synchronized (ProgressReporter.this) {
        if (count == 0 || count == archiveBytes || isDue()) {
          LayerProgress fetched =
              new LayerProgress(Optional.ofNullable(diffId), count, OptionalLong.of(archiveBytes));
          report(Phase.FETCHING, image, Optional.of(fetched), null);
        }
      }
    }

    /** Counts one archive entry. */
    void addEntry() {
      synchronized (ProgressReporter.this) {
        entries++;
        if (isDue()) {
          report(this, null);
        }
      }
    }

    /**
     * Begins a phase with this layer. One of several has no say in the phase of the operation: all
     * it does is a part of that.
     */
    void phase(Phase next) {
      synchronized (ProgressReporter.this) {
        ProgressReporter.this.phase(isOnly || phase == null ? next : phase, this);
      }
    }

    /** Says whom it has to wait for. */
    void waitsFor(StoreUser user) {
      synchronized (ProgressReporter.this) {
        if (phase == null) {
          phase = Phase.WAITING;
        }
        report(this, user);
      }
    }

    /** Says the diff ID, now that it is known. */
    void is(DiffId known) {
      synchronized (ProgressReporter.this) {
        diffId = known;
      }
    }

    private LayerProgress progress() {
      return new LayerProgress(Optional.ofNullable(diffId), layerBytes, layerTotal);
    }
  }
}
