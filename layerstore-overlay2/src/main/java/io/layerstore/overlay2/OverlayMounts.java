package io.layerstore.overlay2;

import io.layerstore.DriverException;
import io.layerstore.LayerStoreException;
import io.layerstore.MountBusyException;
import io.layerstore.MountNamespace;
import io.layerstore.MountOptions;
import io.layerstore.RecoveryReport.Finding;
import io.layerstore.RecoveryReport.Kind;
import io.layerstore.driver.Closing;
import io.layerstore.driver.KeyedLock;
import io.layerstore.driver.MountCounter;
import io.layerstore.overlay2.linux.DetachedMount;
import io.layerstore.overlay2.linux.LinuxCalls;
import io.layerstore.overlay2.linux.MountApi;
import io.layerstore.overlay2.linux.MountPoint;
import io.layerstore.overlay2.linux.Mounts;
import io.layerstore.overlay2.linux.OverlayMount;
import io.layerstore.spi.HelperFailureException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The mounts of layers, counted: the first mount makes it, the last unmount undoes it.
 *
 * <p>A mount that is there already, made by dockerd or to be persistent, counts as one. If it was
 * made to be persistent, the next mount takes it over and the unmount that belongs to that undoes
 * it; otherwise it stays until somebody unmounts once more, as in Docker. A mount that a store made
 * for itself and did not live to undo is undone when the next one is opened.
 *
 * <p>Safe for use by many threads. The helper process starts with the first mount, and again with
 * the next use when it has died: what root mounted through it is still there; what an ordinary user
 * mounted is gone, and can be mounted again.
 *
 * <p>A layer whose overlay lives on without its mount, in another mount namespace or because it was
 * undone lazily, can neither be mounted for writing nor deleted: two overlays on one upper
 * directory, or one whose files go, are undefined. Its empty mount point tells of it, also to the
 * next process.
 */
final class OverlayMounts {

  private static final ByteSuffix MERGED = new ByteSuffix("/merged");

  private final LayerDirectories layers;
  private final LinuxCalls calls;
  private final OverlayFeatures features;
  private final MountHelperSource helper;
  private final PatientUnmount patiently;
  private final PersistentMarks marks;
  private final boolean isReadOnly;
  private final KeyedLock<String> locks = new KeyedLock<>();
  private final MountCounter<String> counter = new MountCounter<>(this::isMounted);

  /**
   * What a mount that was made or taken over here is like, and by which helper.
   *
   * @param isMarked whether there is a note that it is persistent; one that was taken over has it,
   *     whether or not it is to stay from now on
   */
  private record Held(boolean isPersistent, boolean isMarked, String label, Mounts by) {}

  private final Map<String, Held> held = new ConcurrentHashMap<>();

  /** A mount that is nowhere but in a helper. */
  private record Detached(DetachedMount mount, Mounts by) {}

  /** Mounts of layers of a store that may not be written. */
  private final Map<String, Detached> detached = new ConcurrentHashMap<>();

  /** How many unmounts are to come of mounts that are gone with their helper. */
  private final Map<String, Integer> lost = new ConcurrentHashMap<>();

  OverlayMounts(
      LayerDirectories layers,
      LinuxCalls calls,
      OverlayFeatures features,
      HostOwners owners,
      boolean isReadOnly) {
    this.layers = layers;
    this.calls = calls;
    this.features = features;
    this.helper = new MountHelperSource(layers, calls, features, owners);
    this.patiently = new PatientUnmount(helper);
    this.marks = new PersistentMarks(layers.layout());
    this.isReadOnly = isReadOnly;
  }

  /** The layers that are mounted, by whomever. */
  Set<String> mountedIds() throws LayerStoreException {
    Set<String> ids = new HashSet<>();
    for (MountPoint point : helper.get().list()) {
      String id = MERGED.stripFrom(point.path().toString());
      if (id != null) {
        ids.add(id);
      }
    }
    return ids;
  }

  /**
   * Undoes what a process that was killed has left mounted. What was made to be persistent stays,
   * and so does what a dockerd made.
   *
   * @return what was undone, and what could not be because somebody uses it
   */
  List<Finding> undoAbandoned() throws LayerStoreException {
    List<Finding> findings = new ArrayList<>();
    if (!features.isRoot()) {
      return findings; // Not in sight: an ordinary user's mounts are in a namespace of their own.
    }
    for (MountPoint point : helper.get().list()) {
      String id = MERGED.stripFrom(point.path().toString());
      if (id != null && point.isOfProcess() && Overlay2Layout.isValid(id)) {
        undoAbandoned(id, findings);
      }
    }
    return findings;
  }

  private void undoAbandoned(String id, List<Finding> findings) throws LayerStoreException {
    KeyedLock.Held lock = locks.acquire(id);
    try (lock) {
      if (held.containsKey(id)) {
        return;
      }
      unmountNow(id, false);
      findings.add(
          new Finding(Kind.DRIVER_REPAIR, id, "the mount of a process that is gone was undone"));
    } catch (MountBusyException e) {
      findings.add(
          new Finding(
              Kind.POSTPONED,
              id,
              "is still mounted by a process that is gone, and in use; the next cleanup or open"
                  + " tries to undo that: "
                  + e.getMessage()));
    }
  }

  /**
   * Removes the mount points of layers that are not mounted.
   *
   * @param mounted the layers that are
   * @return those that are to stay, because a process still uses an overlay without a mount
   */
  Set<String> removeMountPoints(Set<String> mounted, List<Finding> findings)
      throws LayerStoreException {
    Set<String> inUse = new HashSet<>();
    for (String id : layers.ids()) {
      if (!mounted.contains(id)
          && Files.isDirectory(layers.layout().merged(id), LinkOption.NOFOLLOW_LINKS)) {
        try {
          helper.get().unmount(id, false);
          if (!Files.exists(layers.layout().merged(id))) {
            findings.add(
                new Finding(
                    Kind.DRIVER_REPAIR, id, "the directory of a mount that is gone was removed"));
          }
        } catch (MountBusyException e) {
          inUse.add(id);
          findings.add(
              new Finding(
                  Kind.POSTPONED,
                  id,
                  "a mount of a process that is gone is still in use; the layer can be mounted"
                      + " again when that has ended: "
                      + e.getMessage()));
        }
      }
    }
    return inUse;
  }

  private boolean isMounted(String id) throws LayerStoreException {
    // The directory exists only while the layer is mounted, so the kernel is seldom asked.
    return Files.isDirectory(layers.layout().merged(id)) && mountedIds().contains(id);
  }

  /** Forgets the mounts of a layer that are gone with their helper; with the lock of the layer. */
  private void forgetLost(String id) throws LayerStoreException {
    Held present = held.get(id);
    Detached nowhere = detached.get(id);
    boolean isMountLost = present != null && !features.isRoot() && !present.by().isAlive();
    boolean isViewLost = nowhere != null && !nowhere.by().isAlive();
    if (!isMountLost && !isViewLost) {
      return;
    }
    held.remove(id);
    detached.remove(id);
    lost.merge(id, counter.count(id), Integer::sum);
    counter.forget(id);
    // The mount point stays: a process may still be in the namespace of the dead helper, and the
    // next one finds out by it that there was a mount.
  }

  private boolean takeLost(String id) {
    Integer before = lost.get(id);
    if (before == null) {
      return false;
    }
    lost.compute(id, (key, count) -> before == 1 ? null : before - 1);
    return true;
  }

  // ---- mounting ----

  /** Makes the layer visible and counts; a mount that is there already stays as it is. */
  Path mount(String id, MountOptions options, boolean refusesWrites) throws LayerStoreException {
    KeyedLock.Held lock = locks.acquire(id);
    try (lock) {
      forgetLost(id);
      LowerChain lower = layers.lower(id);
      if (options.isPersistent() && !features.isRoot()) {
        throw failure(
            id,
            "an ordinary user's mount is in a namespace that ends with the process; a persistent mount needs root");
      }
      if (lower.isEmpty()) {
        layers.requireExists(id);
        if (!refusesWrites) {
          return layers.layout().diff(id); // As in Docker; there is nothing to merge.
        }
      }
      if (isReadOnly) {
        return mountDetached(id, lower, options);
      }
      int count = counter.increment(id);
      boolean isOneMore = false;
      try {
        if (count == 1) {
          mountNow(id, lower, options, refusesWrites);
          isOneMore = true;
        } else {
          boolean wasThere = count == 2 && takesOver(id, options);
          requireSame(id, options);
          isOneMore = !wasThere;
        }
      } finally {
        if (!isOneMore) {
          counter.decrement(id);
        }
      }
      return pathOf(id);
    }
  }

  private Path pathOf(String id) throws LayerStoreException {
    return mountsOf(id).merged(id);
  }

  /** Who has the layer mounted. */
  private Mounts mountsOf(String id) throws LayerStoreException {
    Held present = held.get(id);
    if (present != null) {
      return present.by();
    }
    Detached nowhere = detached.get(id);
    return nowhere != null ? nowhere.by() : helper.get();
  }

  /** Makes a command start in a mounted layer. */
  void enter(String id, Path mounted, ProcessBuilder builder, boolean isRoot)
      throws LayerStoreException {
    MountedCommand.enter(id, mountsOf(id), mounted, builder, isRoot);
  }

  /** The namespaces a mounted layer is in, if not those of this process. */
  Optional<MountNamespace> namespace(String id, Path mounted) throws LayerStoreException {
    return mountsOf(id).namespaceOf(mounted);
  }

  /** Whether a persistent mount was there that nobody holds, which the caller holds from now on. */
  private boolean takesOver(String id, MountOptions options) throws LayerStoreException {
    if (held.containsKey(id) || !marks.has(id)) {
      return false;
    }
    held.put(id, new Held(options.isPersistent(), true, label(options), helper.get()));
    return true;
  }

  private void mountNow(String id, LowerChain lower, MountOptions options, boolean refusesWrites)
      throws LayerStoreException {
    features.requireSupported();
    boolean isPersistent = options.isPersistent();
    OverlayMount mount =
        new OverlayMount(
            id,
            lower.links(),
            refusesWrites,
            label(options),
            isPersistent,
            refusesWrites,
            MountApi.ANY);
    if (isPersistent) {
      marks.set(id);
    }
    Mounts by = helper.get();
    try {
      by.mount(mount);
    } catch (LayerStoreException | RuntimeException e) {
      if (!by.isAlive()) {
        undoMountOfDeadHelper(id, e);
      }
      marks.remove(id);
      if (!layers.exists(id)) {
        throw LayerDirectories.failure(id, LayerDirectories.MISSING, e);
      }
      throw e;
    }
    held.put(id, new Held(isPersistent, isPersistent, label(options), by));
  }

  /** The mount may have been made and only the answer be missing. */
  private void undoMountOfDeadHelper(String id, Exception failure) {
    Closing.after(failure, () -> helper.get().unmount(id, false));
  }

  private void requireSame(String id, MountOptions options) throws LayerStoreException {
    Held present = held.get(id);
    if (present == null) {
      return; // Made by another process; how is not known, and Docker does not ask either.
    }
    if (present.isPersistent() != options.isPersistent()
        || !present.label().equals(label(options))) {
      throw failure(id, "is mounted already with other options; close that mount before this one");
    }
  }

  private Path mountDetached(String id, LowerChain lower, MountOptions options)
      throws LayerStoreException {
    if (options.isPersistent()) {
      throw failure(id, "cannot be mounted persistently by a store that is open for reading only");
    }
    Detached present = detached.get(id);
    if (present == null) {
      Mounts by = helper.get();
      OverlayMount mount = OverlayMount.readOnly(id, lower.links()).withLabel(label(options));
      present = new Detached(by.mountDetached(mount), by);
      detached.put(id, present);
    }
    counter.increment(id);
    return present.mount().path();
  }

  private static String label(MountOptions options) {
    return options.mountLabel().orElse("");
  }

  /**
   * Undoes one mount.
   *
   * @param lazily whether one that is in use is only taken out of sight, for the kernel to undo
   */
  void unmount(String id, boolean lazily) throws LayerStoreException {
    KeyedLock.Held lock = locks.acquire(id);
    try (lock) {
      forgetLost(id);
      if (takeLost(id)) {
        return;
      }
      int count = counter.count(id);
      if (count == 0) {
        return;
      }
      if (count == 1) {
        Held last = held.get(id);
        if (last != null && last.isPersistent()) {
          held.remove(id); // It stays, for the next one who wants it.
          return;
        }
        unmountNow(id, lazily);
        return;
      }
      counter.decrement(id);
    }
  }

  /**
   * Undoes the mount, however often it was counted; if that throws and it is gone, so is the count.
   */
  private void unmountNow(String id, boolean lazily) throws LayerStoreException {
    Detached nowhere = detached.remove(id);
    if (nowhere != null) {
      counter.forget(id);
      nowhere.mount().close();
      return;
    }
    try {
      patiently.unmount(id, lazily);
    } catch (HelperFailureException e) {
      if (isMounted(id)) {
        throw e;
      }
      // The helper has died, and the mount is gone all the same.
    }
    counter.forget(id);
    Held last = held.remove(id);
    if (last == null || last.isMarked()) {
      marks.remove(id);
    }
  }

  /**
   * Undoes what is mounted and nobody holds, before the layer is removed.
   *
   * @throws MountBusyException if the layer is mounted here, or what is left is in use
   */
  void runUnmounted(String id, Removal removal) throws LayerStoreException {
    KeyedLock.Held lock = locks.acquire(id);
    try (lock) {
      forgetLost(id);
      if (counter.count(id) > 0) {
        if (held.containsKey(id)) {
          throw new MountBusyException(id, List.of("a mount of this store"), null);
        }
        unmountNow(id, false);
      } else if (Files.isDirectory(layers.layout().merged(id))) {
        requireUnused(id);
      }
      removal.run();
      lost.remove(id);
    }
  }

  /** An overlay that was taken out of sight still needs the files, until its last user ends. */
  private void requireUnused(String id) throws LayerStoreException {
    try {
      patiently.unmount(id, false);
    } catch (MountBusyException e) {
      throw new DriverException(
          Overlay2DriverProvider.NAME,
          id,
          "cannot be deleted while a mount of it that was closed lazily is in use by "
              + (e.holders().isEmpty()
                  ? "a process this one cannot see"
                  : String.join(", ", e.holders())),
          e);
    }
  }

  /**
   * The mounts of this store that show the files of a layer, by their layers: it is mounted itself,
   * or stands below.
   */
  Set<String> mountsShowing(String id) throws LayerStoreException {
    Set<String> showing = new HashSet<>();
    for (String mounted : counter.mounted()) {
      if (mounted.equals(id) || layers.isBelow(id, mounted)) {
        showing.add(mounted);
      }
    }
    return showing;
  }

  /**
   * Fails if a mount that may outlive this store shows the files of a layer.
   *
   * @param purpose what cannot be done then
   */
  void requireOnlyPassingMounts(String id, String purpose) throws LayerStoreException {
    if (!features.isRoot()) {
      return; // All mounts are in the namespace of the helper.
    }
    for (String mounted : mountedIds()) {
      Held present = held.get(mounted);
      boolean stays = present == null || present.isPersistent();
      if (stays && (mounted.equals(id) || layers.isBelow(id, mounted))) {
        throw failure(
            id, purpose + " while " + layers.layout().merged(mounted) + " is mounted; unmount it");
      }
    }
  }

  /** Whether the layer is mounted, and was counted here. */
  boolean isMountedHere(String id) {
    return counter.mounted().contains(id);
  }

  /** What is done while a layer is certainly not mounted. */
  @FunctionalInterface
  interface Removal {
    void run() throws LayerStoreException;
  }

  // ---- looking ----

  /**
   * The layer merged with those below, for looking only. A mount that is there is used, and held
   * until the view is closed; else the layer is mounted nowhere, if the kernel can.
   */
  MergedView view(String id) throws LayerStoreException {
    LowerChain lower = layers.lower(id);
    if (!isReadOnly) {
      KeyedLock.Held lock = locks.acquire(id);
      try (lock) {
        forgetLost(id);
        if (counter.count(id) > 0) {
          counter.increment(id);
          return viewOfMount(id);
        }
      }
    }
    if (features.canMountDetached()) {
      DetachedMount nowhere = helper.get().mountDetached(OverlayMount.readOnly(id, lower.links()));
      return new MergedView(new ScanPool(() -> calls.openTree(nowhere.path())), nowhere::close);
    }
    mount(id, MountOptions.DEFAULT, true);
    return viewOfMount(id);
  }

  private MergedView viewOfMount(String id) throws LayerStoreException {
    Path merged = pathOf(id);
    return new MergedView(new ScanPool(() -> calls.openTree(merged)), () -> unmount(id, false));
  }

  // ---- the end ----

  /**
   * Undoes the mounts made here that are not persistent, and ends the helper. A mount in use is
   * undone lazily: it is out of sight at once, and whoever has files of it open keeps them.
   *
   * @throws MountBusyException if a mount was in use
   */
  void close() throws LayerStoreException {
    if (helper.isClosed()) {
      return;
    }
    List<String> busy = new ArrayList<>();
    List<String> holders = new ArrayList<>();
    LayerStoreException failure = null;
    try {
      for (String id : counter.mounted()) {
        KeyedLock.Held lock = locks.acquire(id);
        try (lock) {
          closeMount(id);
        } catch (MountBusyException e) {
          busy.add(id);
          holders.addAll(e.holders());
        } catch (LayerStoreException e) {
          failure = keep(failure, e);
        }
      }
    } finally {
      try {
        helper.close();
      } catch (LayerStoreException e) {
        failure = keep(failure, e);
      }
    }
    if (!busy.isEmpty()) {
      MountBusyException e = new MountBusyException(String.join(", ", busy), holders, failure);
      throw e;
    }
    if (failure != null) {
      throw failure;
    }
  }

  private void closeMount(String id) throws LayerStoreException {
    forgetLost(id);
    Held present = held.get(id);
    if (detached.containsKey(id)) {
      unmountNow(id, false);
    } else if (present != null && !present.isPersistent()) {
      try {
        unmountNow(id, false);
      } catch (MountBusyException e) {
        unmountNow(id, true);
        throw e;
      }
    }
    counter.forget(id);
  }

  private static LayerStoreException keep(
      @Nullable LayerStoreException first, LayerStoreException next) {
    if (first == null) {
      return next;
    }
    first.addSuppressed(next);
    return first;
  }

  private static DriverException failure(String id, String problem) {
    return LayerDirectories.failure(id, problem, null);
  }

  /** The end of a path that the kernel gave. */
  private record ByteSuffix(String text) {
    @Nullable String stripFrom(String path) {
      return path.endsWith(text) ? path.substring(0, path.length() - text.length()) : null;
    }
  }
}
