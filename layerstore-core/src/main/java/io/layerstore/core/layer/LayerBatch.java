package io.layerstore.core.layer;

import io.layerstore.ChainId;
import io.layerstore.DiffId;
import io.layerstore.LayerSource;
import io.layerstore.LayerStoreException;
import io.layerstore.OperationInterruptedException;
import io.layerstore.Progress.Phase;
import io.layerstore.RegisterOptions;
import io.layerstore.StoreCorruptedException;
import io.layerstore.core.state.RoLayer;
import io.layerstore.core.state.StoreContext;
import io.layerstore.core.work.Interrupts;
import io.layerstore.core.work.SideBySide;
import io.layerstore.driver.Closing;
import io.layerstore.driver.KeyedLock;
import io.layerstore.spi.LayerRecord;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The layers of one load.
 *
 * <p>Holds the lock of every missing chain ID from {@link #prepare} to the end of {@link #publish}:
 * the directories of its layers stand on each other before any of them is visible, so no other
 * thread may publish one of them first. The locks are taken in the order of the chain IDs, and
 * nobody else takes a second one while holding one.
 *
 * <p>A driver that stores differences takes the layers in any order, as soon as the directories
 * below exist. One that copies takes them from the bottom up.
 */
public final class LayerBatch implements AutoCloseable {

  static final String OPERATION = "loading layers";

  /**
   * A layer that shall be in the store.
   *
   * @param parent the layer below, which is in the store or comes before in the batch; null for a
   *     base layer
   * @param diffId the digest of its archive
   * @param image what people call an image it is of
   */
  public record Wanted(@Nullable ChainId parent, DiffId diffId, String image) {

    /** Its chain ID. */
    public ChainId chainId() {
      return ChainId.of(parent, diffId);
    }
  }

  private final StoreContext store;
  private final LayerHealth health;
  private final LayerRegistration registration;
  private final LayerRelease release;
  private final ProgressReporter progress;
  private final boolean copies;
  private final boolean verifies;

  /** Locks of missing chain IDs. */
  private final Map<ChainId, KeyedLock.Held> locks = new LinkedHashMap<>();

  /** Layers in the store, each with one handle of this batch. */
  private final Map<ChainId, RoLayer> held = new LinkedHashMap<>();

  private List<Wanted> wanted = List.of();

  /** Missing layers, parents first. */
  private final Map<ChainId, BatchLayer> missing = new LinkedHashMap<>();

  private final List<RoLayer> added = new ArrayList<>();

  /** A layer that was on disk and could not be used, so that others on it could not be loaded. */
  private @Nullable RoLayer healed;

  LayerBatch(
      StoreContext store,
      LayerHealth health,
      LayerRegistration registration,
      LayerRelease release,
      ProgressReporter progress,
      boolean verifies) {
    this.store = store;
    this.health = health;
    this.registration = registration;
    this.release = release;
    this.progress = progress;
    this.verifies = verifies;
    this.copies = store.driver().traits().executesWhiteouts();
  }

  /**
   * Finds out which layers are missing.
   *
   * @param layers parents before children, none twice
   * @return those to be unpacked, in their order; a damaged one is among them, to be healed
   */
  public Set<ChainId> prepare(List<Wanted> layers) throws LayerStoreException {
    wanted = List.copyOf(layers);
    findMissing();
    return new LinkedHashSet<>(missing.keySet());
  }

  private void findMissing() throws LayerStoreException {
    SortedMap<ChainId, ProgressReporter.OfLayer> absent = new TreeMap<>();
    for (Wanted layer : wanted) {
      if (!holdIfSound(layer.chainId())) {
        absent.put(layer.chainId(), progress.layer(layer.image(), layer.diffId()));
      }
    }
    try {
      boolean wereMadeMeanwhile = false;
      for (Map.Entry<ChainId, ProgressReporter.OfLayer> layer : absent.entrySet()) {
        ChainId chainId = layer.getKey();
        if (wereMadeMeanwhile && holdIfSound(chainId)) {
          continue; // With all others of those who wait, which a lock would set in line.
        }
        KeyedLock.Held lock =
            store.chainLock().acquireInterruptibly(chainId, layer.getValue()::waitsFor);
        locks.put(chainId, lock);
        if (holdIfSound(chainId)) {
          wereMadeMeanwhile = true;
          locks.remove(chainId);
          lock.close();
        }
      }
    } catch (InterruptedException e) {
      throw Interrupts.ended(OPERATION, e);
    }
    for (Wanted layer : wanted) {
      ChainId chainId = layer.chainId();
      if (!held.containsKey(chainId)) {
        missing.put(chainId, newLayer(layer));
      }
    }
  }

  private boolean holdIfSound(ChainId chainId) throws LayerStoreException {
    if (held.containsKey(chainId)) {
      return true;
    }
    RoLayer layer = store.retainIfPresent(chainId);
    if (layer == null) {
      return false;
    }
    if (!health.isSound(layer, verifies)) {
      store.table().dropHandle(layer);
      return false;
    }
    held.put(chainId, layer);
    return true;
  }

  private BatchLayer newLayer(Wanted layer) throws LayerStoreException {
    ChainId parentId = layer.parent();
    BatchLayer parent = parentId == null ? null : missing.get(parentId);
    RoLayer ground = parentId == null ? null : held.get(parentId);
    if (parentId != null && parent == null && ground == null) {
      throw new IllegalArgumentException(
          "the parent " + parentId + " of " + layer.chainId() + " does not come before it");
    }
    boolean isDamaged = store.find(layer.chainId()) != null;
    return new BatchLayer(store, layer, parent, ground, isDamaged, progress);
  }

  /**
   * Whether {@link #unpack} can take this layer, one of the missing, now: a driver that copies
   * needs the layers below first.
   */
  public boolean isReady(ChainId chainId) {
    return require(chainId).isReady();
  }

  /**
   * Unpacks one layer that is ready.
   *
   * @param archive plain or compressed, read to its end and not closed
   * @throws io.layerstore.LayerVerificationException if it is another layer
   */
  public void unpack(ChainId chainId, InputStream archive) throws LayerStoreException {
    BatchLayer layer = require(chainId);
    if (!layer.isReady()) {
      throw new IllegalStateException("the layers below " + chainId + " are not complete");
    }
    layer.unpack(LayerSources.ofStream(archive), OptionalLong.empty());
  }

  /** Whom to tell how much of the archive of a missing layer has come. */
  public ProgressReporter.OfLayer fetching(ChainId chainId) {
    return require(chainId).progress();
  }

  private BatchLayer require(ChainId chainId) {
    BatchLayer layer = missing.get(chainId);
    if (layer == null) {
      throw new IllegalArgumentException("not a missing layer: " + chainId);
    }
    return layer;
  }

  /**
   * Unpacks all missing layers that are not yet, several at a time.
   *
   * @param sources where the archives are; may be opened on any thread
   */
  public void unpackAll(Map<ChainId, LayerSource> sources) throws LayerStoreException {
    progress.expect(totalSize(sources));
    progress.phase(Phase.UNPACKING);
    heal(sources);
    List<SideBySide.Work> work = new ArrayList<>();
    for (BatchLayer layer : missing.values()) {
      if (!layer.isUnpacked()) {
        LayerSource source = requireSource(sources, layer);
        work.add(stop -> layer.unpack(stoppable(source, stop), LayerSources.size(source)));
      }
    }
    SideBySide.run(store.executor(), copies ? 1 : SideBySide.threads(), OPERATION, work);
  }

  /** A source that gives no more when another layer has failed. */
  private static LayerSource stoppable(LayerSource source, BooleanSupplier stop) {
    return () ->
        new FilterInputStream(source.open()) {
          @Override
          public int read(byte[] bytes, int offset, int length) throws IOException {
            if (stop.getAsBoolean()) {
              throw new OperationInterruptedException(OPERATION, null);
            }
            return in.read(bytes, offset, length);
          }
        };
  }

  private static LayerSource requireSource(Map<ChainId, LayerSource> sources, BatchLayer layer) {
    LayerSource source = sources.get(layer.chainId());
    if (source == null) {
      throw new IllegalArgumentException("no source for layer " + layer.chainId());
    }
    return source;
  }

  private OptionalLong totalSize(Map<ChainId, LayerSource> sources) throws LayerStoreException {
    long total = 0;
    for (BatchLayer layer : missing.values()) {
      if (layer.isUnpacked()) {
        continue;
      }
      LayerSource source = sources.get(layer.chainId());
      OptionalLong size = source == null ? OptionalLong.empty() : LayerSources.size(source);
      if (size.isEmpty()) {
        return size;
      }
      total += size.getAsLong();
    }
    return OptionalLong.of(total);
  }

  /**
   * Heals layers that are there and damaged, before anything stands on them: healing may keep the
   * old files. Takes other locks than those of this batch, so these are let go meanwhile; nothing
   * has been unpacked that could be lost. Where something has, out of a stream, the publication
   * heals.
   */
  private void heal(Map<ChainId, LayerSource> sources) throws LayerStoreException {
    for (BatchLayer layer = nextDamaged(); layer != null; layer = nextDamaged()) {
      RegisterOptions options =
          RegisterOptions.builder()
              .parent(layer.wanted().parent())
              .expectedDiffId(layer.wanted().diffId())
              .build();
      releaseLocks();
      missing.clear();
      held.put(
          layer.chainId(),
          registration.register(requireSource(sources, layer), options, layer.progress()));
      findMissing();
    }
  }

  private @Nullable BatchLayer nextDamaged() {
    if (missing.values().stream().anyMatch(BatchLayer::isUnpacked)) {
      return null;
    }
    for (BatchLayer layer : missing.values()) {
      ChainId parent = layer.wanted().parent();
      if (layer.isDamaged() && (parent == null || held.containsKey(parent))) {
        return layer;
      }
    }
    return null;
  }

  /**
   * What {@code docker load} would refuse layers for that were unpacked; in words, none for most.
   */
  public Map<ChainId, String> refusals() {
    Map<ChainId, String> refusals = new LinkedHashMap<>();
    for (BatchLayer layer : missing.values()) {
      LayerIntake.Result taken = layer.taken();
      if (taken != null && taken.refusal() != null) {
        refusals.put(layer.chainId(), taken.refusal());
      }
    }
    return refusals;
  }

  /**
   * Makes the layers visible. If that fails, none of them stays.
   *
   * @return those that are new
   */
  public Set<ChainId> publish() throws LayerStoreException {
    List<String> ids = new ArrayList<>();
    for (BatchLayer layer : missing.values()) {
      layer.inProgress().complete();
      ids.add(layer.inProgress().cacheId());
    }
    progress.phase(Phase.SYNCING);
    for (BatchLayer layer : missing.values()) {
      layer.inProgress().transaction().prepare(layer.record());
    }
    store.sync(ids);
    progress.phase(Phase.COMMITTING);
    Interrupts.check(OPERATION);
    Set<ChainId> published = new LinkedHashSet<>();
    try {
      for (BatchLayer layer : missing.values()) {
        publish(layer);
        published.add(layer.chainId());
      }
    } catch (LayerStoreException | RuntimeException | Error e) {
      Closing.after(e, this::withdraw);
      throw e;
    }
    releaseLocks();
    if (healed != null) {
      registration.loadLayersAbove(healed);
    }
    progress.phase(Phase.DONE);
    return published;
  }

  private void publish(BatchLayer layer) throws LayerStoreException {
    ChainId parentId = layer.wanted().parent();
    RoLayer parent = parentId == null ? null : held.get(parentId);
    LayerRecord record = layer.record();
    boolean isNew = store.find(layer.chainId()) == null;
    LayerPublication.Published published =
        new LayerPublication(store, health, layer.inProgress(), record, parent, verifies).publish();
    RoLayer node = published.layer();
    held.put(layer.chainId(), node);
    if (published.isBack()) {
      healed = node;
    } else if (isNew) {
      added.add(node);
    }
    if (!node.cacheId().equals(layer.inProgress().cacheId()) && hasChildren(layer)) {
      throw new StoreCorruptedException(
          layer.chainId().toString(),
          "the layer was damaged and has been healed; load the images again");
    }
  }

  private boolean hasChildren(BatchLayer layer) {
    return missing.values().stream()
        .anyMatch(other -> layer.chainId().equals(other.wanted().parent()));
  }

  /** Deletes the layers again that {@link #publish} made visible and nothing else holds. */
  public void withdraw() throws LayerStoreException {
    LayerStoreException failure = null;
    while (!added.isEmpty()) {
      RoLayer layer = added.remove(added.size() - 1);
      held.remove(layer.chainId());
      store.table().dropHandle(layer);
      try {
        release.takeBack(layer);
      } catch (LayerStoreException e) {
        failure = joined(failure, e);
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  /** Lets go of the layers, and removes what was not published. A second call does nothing. */
  @Override
  public void close() throws LayerStoreException {
    LayerStoreException failure = null;
    List<BatchLayer> left = new ArrayList<>(missing.values());
    missing.clear();
    try {
      for (int i = left.size() - 1; i >= 0; i--) {
        try {
          left.get(i).inProgress().discard();
        } catch (LayerStoreException e) {
          failure = joined(failure, e);
        }
      }
    } finally {
      held.values().forEach(store.table()::dropHandle);
      held.clear();
      releaseLocks();
    }
    if (failure != null) {
      throw failure;
    }
  }

  private void releaseLocks() {
    locks.values().forEach(KeyedLock.Held::close);
    locks.clear();
  }

  private static LayerStoreException joined(
      @Nullable LayerStoreException first, LayerStoreException next) {
    if (first == null) {
      return next;
    }
    first.addSuppressed(next);
    return first;
  }
}
