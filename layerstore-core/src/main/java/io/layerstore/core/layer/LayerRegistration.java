package io.layerstore.core.layer;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.LayerSource;
import io.layerstore.LayerStore;
import io.layerstore.LayerStoreException;
import io.layerstore.LayerVerificationException;
import io.layerstore.MaxDepthExceededException;
import io.layerstore.Progress;
import io.layerstore.Progress.Phase;
import io.layerstore.RegisterOptions;
import io.layerstore.core.state.RoLayer;
import io.layerstore.core.state.StoreContext;
import io.layerstore.core.state.StoreLoader;
import io.layerstore.core.work.Interrupts;
import io.layerstore.driver.KeyedLock;
import io.layerstore.spi.LayerRecord;
import java.util.List;
import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Adds layers to a store.
 *
 * <p>The order of effects, so that a crash between any two steps leaves nothing that looks like a
 * layer and is none:
 *
 * <ol>
 *   <li>a transaction that names the driver's directory, on disk before the directory is;
 *   <li>the driver's directory, the files, and the tar-split beside them, in one pass over the
 *       archive;
 *   <li>content forced to the disk;
 *   <li>the transaction committed: the layer is visible.
 * </ol>
 */
@SuppressWarnings("try") // Locks and calls are held by scope, not by name.
public final class LayerRegistration {

  private static final Logger log = LoggerFactory.getLogger(LayerRegistration.class);
  private static final String OPERATION = "registering a layer";

  private final StoreContext store;
  private final LayerHealth health;

  public LayerRegistration(StoreContext store, LayerHealth health) {
    this.store = store;
    this.health = health;
  }

  /**
   * Registers a layer as {@link LayerStore#register(LayerSource, RegisterOptions)} says.
   *
   * @param kind what the caller does with it
   * @param image the image that is being made of it, or null
   * @return its node, with one handle more
   */
  public RoLayer register(
      LayerSource source, RegisterOptions options, Progress.Kind kind, @Nullable String image)
      throws LayerStoreException {
    ProgressReporter progress =
        new ProgressReporter(options.progress().or(store.options()::progress), kind, image);
    return register(source, options, progress.onlyLayer(options.expectedDiffId().orElse(null)));
  }

  /** Registers a layer as a part of something else, or by itself. */
  public RoLayer register(
      LayerSource source, RegisterOptions options, ProgressReporter.OfLayer progress)
      throws LayerStoreException {
    store.requireWritable();
    LayerPublication.Published published = registerLocked(source, options, progress);
    if (published.isBack()) {
      loadLayersAbove(published.layer());
    }
    return published.layer();
  }

  /** Brings back the layers and read-write layers that stand on one that was damaged. */
  void loadLayersAbove(RoLayer healed) {
    try {
      store.critical().run(new StoreLoader(store)::loadAgain);
    } catch (LayerStoreException e) {
      log.warn("cannot load what stands on {}; the next open will", healed.chainId(), e);
    }
  }

  private LayerPublication.Published registerLocked(
      LayerSource source, RegisterOptions options, ProgressReporter.OfLayer progress)
      throws LayerStoreException {
    ChainId parentId = options.parent().orElse(null);
    RoLayer parent = parentId == null ? null : store.pin(parentId);
    try {
      if (parent != null && parent.depth() >= LayerStore.MAX_DEPTH) {
        throw new MaxDepthExceededException(LayerStore.MAX_DEPTH);
      }
      ChainId expected = options.expectedChainId().orElse(null);
      if (expected == null) {
        return unpackAndPublish(source, options, progress, parent, null);
      }
      try (KeyedLock.Held held =
          store.chainLock().acquireInterruptibly(expected, progress::waitsFor)) {
        RoLayer existing = store.find(expected);
        if (existing != null && health.isSound(existing, options.verifyExisting())) {
          return new LayerPublication.Published(store.retain(expected), false);
        }
        return unpackAndPublish(source, options, progress, parent, held);
      } catch (InterruptedException e) {
        throw Interrupts.ended(OPERATION, e);
      }
    } finally {
      if (parent != null) {
        store.table().unpin(parent);
      }
    }
  }

  /**
   * @param held the lock of the expected chain ID; null if none was expected, and then the lock is
   *     taken to publish
   */
  private LayerPublication.Published unpackAndPublish(
      LayerSource source,
      RegisterOptions options,
      ProgressReporter.OfLayer progress,
      @Nullable RoLayer parent,
      KeyedLock.@Nullable Held held)
      throws LayerStoreException {
    String title = title(options);
    PendingLayer pending = new PendingLayer(store, title, true);
    String parentCacheId = parent == null ? null : parent.cacheId();
    RegisterEvent event = new RegisterEvent();
    event.begin();
    try {
      progress.expect(LayerSources.size(source));
      pending.create(parentCacheId);
      progress.phase(Phase.UNPACKING);
      LayerIntake.Result taken = pending.unpack(source, parentCacheId, progress, OPERATION);
      LayerRecord record =
          pending.record(
              taken, parent == null ? null : parent.chainId(), options.descriptor().orElse(null));
      requireExpected(options, record.diffId(), record.chainId());
      progress.is(record.diffId());
      progress.phase(Phase.SYNCING);
      pending.transaction().prepare(record);
      store.sync(List.of(pending.cacheId()));
      progress.phase(Phase.COMMITTING);
      Interrupts.check(OPERATION);
      LayerPublication.Published published =
          publish(pending, record, options, progress, parent, held);
      progress.phase(Phase.DONE);
      event.end(record.chainId(), record.diffId(), record.sizeBytes());
      return published;
    } catch (LayerStoreException | RuntimeException | Error e) {
      pending.discard(e);
      if (e instanceof LayerStoreException failure) {
        throw DriverFailures.named(title, Interrupts.translate(OPERATION, failure));
      }
      throw e;
    }
  }

  /** What to call a layer whose chain ID may not be known yet. */
  private static String title(RegisterOptions options) {
    return options
        .expectedChainId()
        .map(chainId -> "layer " + chainId)
        .or(() -> options.parent().map(parent -> "new layer on " + parent))
        .orElse("new base layer");
  }

  private static void requireExpected(RegisterOptions options, DiffId diffId, ChainId chainId)
      throws LayerVerificationException {
    DiffId expectedDiffId = options.expectedDiffId().orElse(null);
    if (expectedDiffId != null && !expectedDiffId.equals(diffId)) {
      throw new LayerVerificationException(
          "the layer archive has diff id "
              + diffId
              + " in place of the expected "
              + expectedDiffId
              + "; get the archive again from its source",
          expectedDiffId.digest(),
          diffId.digest());
    }
    ChainId expectedChainId = options.expectedChainId().orElse(null);
    if (expectedChainId != null && !expectedChainId.equals(chainId)) {
      throw new LayerVerificationException(
          "the layer has chain id "
              + chainId
              + " in place of the expected "
              + expectedChainId
              + "; get the archive again from its source, or name the right parent",
          expectedChainId.digest(),
          chainId.digest());
    }
  }

  private LayerPublication.Published publish(
      PendingLayer pending,
      LayerRecord record,
      RegisterOptions options,
      ProgressReporter.OfLayer progress,
      @Nullable RoLayer parent,
      KeyedLock.@Nullable Held held)
      throws LayerStoreException {
    LayerPublication publication =
        new LayerPublication(store, health, pending, record, parent, options.verifyExisting());
    if (held != null) {
      return publication.publish();
    }
    try (KeyedLock.Held chain =
        store.chainLock().acquireInterruptibly(record.chainId(), progress::waitsFor)) {
      return publication.publish();
    } catch (InterruptedException e) {
      throw Interrupts.ended(OPERATION, e);
    }
  }

  /** One layer taken in, from opening its archive to its publication. */
  @Name("io.layerstore.Register")
  @Label("Layer Registration")
  @Category("layerstore")
  @Description("A layer archive was unpacked and published")
  @StackTrace(false)
  static final class RegisterEvent extends Event {

    @Label("Chain ID")
    String chainId = "";

    @Label("Diff ID")
    String diffId = "";

    @Label("Layer Size")
    @DataAmount
    long sizeBytes;

    /** Ends the event with what was registered. */
    void end(ChainId chain, DiffId diff, long bytes) {
      end();
      if (shouldCommit()) {
        chainId = chain.toString();
        diffId = diff.toString();
        sizeBytes = bytes;
        commit();
      }
    }
  }
}
