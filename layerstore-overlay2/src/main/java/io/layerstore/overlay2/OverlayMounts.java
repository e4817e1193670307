package io.layerstore.overlay2;

import io.layerstore.DriverException;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.MountBusyException;
import io.layerstore.MountOptions;
import io.layerstore.RecoveryReport.Finding;
import io.layerstore.RecoveryReport.Kind;
import io.layerstore.driver.Closing;
import io.layerstore.driver.KeyedLock;
import io.layerstore.overlay2.linux.LinuxCalls;
import io.layerstore.overlay2.linux.MountElsewhereException;
import io.layerstore.overlay2.linux.Mounted;
import io.layerstore.overlay2.linux.Mounts;
import io.layerstore.overlay2.linux.OverlayMount;
import io.layerstore.spi.DriverContext;
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
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The mounts of layers, counted: the first mount makes it, the last unmount undoes it.
 *
 * <p>A mount that is there already, made by dockerd or to be persistent, counts as one. If it was
 * made to be persistent, the next mount takes it over and the unmount that belongs to that undoes
 * it; otherwise it stays until somebody unmounts once more, as in Docker. A mount that a store made
 * for itself and did not live to undo is undone when the next one is opened, or taken over by the
 * next that mounts the layer.
 *
 * <p>Other processes use the same mount if they can see it: the kernel counts them, and the last
 * one undoes it. Where they cannot, in another mount namespace or as an ordinary user, only a layer
 * that nobody writes is mounted twice.
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
  private final PersistentMarks marks;
  private final boolean isReadOnly;
  private final DriverContext.Others others;
  private final KeyedLock<String> locks = new KeyedLock<>();

  /** Of layers with a mount; replaced with the lock of the layer, read without. */
  private final Map<String, MountState> states = new ConcurrentHashMap<>();

  OverlayMounts(
      LayerDirectories layers,
      LinuxCalls calls,
      OverlayFeatures features,
      HostOwners owners,
      boolean isReadOnly,
      DriverContext.Others others) {
    this.layers = layers;
    this.calls = calls;
    this.features = features;
    this.helper = new MountHelperSource(layers, calls, features, owners);
    this.marks = new PersistentMarks(layers.layout());
    this.isReadOnly = isReadOnly;
    this.others = others;
  }

  private MountState state(String id) {
    return states.getOrDefault(id, MountState.NONE);
  }

  /** With the lock of the layer. */
  private void set(String id, MountState state) {
    if (state.isNothing()) {
      states.remove(id);
    } else {
      states.put(id, state);
    }
  }

  /** The layers that are mounted, by whomever. */
  Set<String> mountedIds() throws LayerStoreException {
    Set<String> ids = new HashSet<>();
    for (Mounts.Point point : helper.get().list()) {
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
    for (Mounts.Point point : helper.get().list()) {
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
      if (!state(id).isHeld() && others.mounting(id).isEmpty() && unmountNow(id, false)) {
        findings.add(
            new Finding(Kind.DRIVER_REPAIR, id, "the mount of a process that is gone was undone"));
      }
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

  /**
   * How many unmounts are due, with the lock of the layer. A mount that somebody else made counts
   * as one.
   */
  private int count(String id) throws LayerStoreException {
    MountState state = state(id);
    if (state.count() == 0 && others.mounting(id).isEmpty() && isMounted(id)) {
      set(id, state.withCount(1));
      return 1;
    }
    return state.count();
  }

  /** Forgets the mounts of a layer that are gone with their helper; with the lock of the layer. */
  private void forgetLost(String id) {
    MountState state = state(id);
    MountState.Made made = state.made();
    if (made != null && !made.by().isAlive() && (made.isDetached() || !features.isRoot())) {
      set(id, state.allLost());
    }
    // The mount point stays: a process may still be in the namespace of the dead helper, and the
    // next one finds out by it that there was a mount.
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
      MountState.Made made = state(id).made();
      if (isReadOnly || (made != null && made.isDetached())) {
        return mountDetached(id, lower, options);
      }
      if (state(id).isUsed()) {
        requireSame(id, options);
        set(id, state(id).withCount(state(id).count() + 1));
      } else {
        mountFirst(id, lower, options, refusesWrites);
      }
      return pathOf(id);
    }
  }

  private void mountFirst(String id, LowerChain lower, MountOptions options, boolean refusesWrites)
      throws LayerStoreException {
    MountState before = state(id);
    set(
        id,
        before.withCount(
            Math.max(
                1, before.count()))); // Whoever replaces files below sees that it is about to be.
    MountState after = before;
    try {
      after = mountNow(id, lower, options, refusesWrites, before);
    } catch (MountElsewhereException e) {
      if (!refusesWrites) {
        throw elsewhere(id, e);
      }
      set(id, before);
      mountDetached(id, lower, options);
      after = state(id);
    } finally {
      set(id, after);
    }
  }

  /** Two overlays on one upper directory are undefined. */
  private MountBusyException elsewhere(String id, MountElsewhereException e) {
    String reason =
        features.isRoot()
            ? ", in another mount namespace, whose mounts cannot be shared"
            : ", whose mount is in a namespace of its own and cannot be shared";
    List<String> holders = others.mounting(id).stream().map(holder -> holder + reason).toList();
    return holders.isEmpty() ? e : new MountBusyException(id, holders, e);
  }

  private Path pathOf(String id) throws LayerStoreException {
    MountState.Made made = state(id).made();
    if (made != null && made.isDetached()) {
      return made.path(id);
    }
    return mountsOf(id).merged(id);
  }

  /** Who has the layer mounted. */
  private Mounts mountsOf(String id) throws LayerStoreException {
    MountState.Made made = state(id).made();
    return made != null ? made.by() : helper.get();
  }

  /** Makes a command start in a mounted layer. */
  void enter(String id, Path mounted, ProcessBuilder builder, boolean isRoot)
      throws LayerStoreException {
    MountedCommand.enter(id, mountsOf(id), mounted, builder, isRoot);
  }

  /** The namespaces a mounted layer is in, if not those of this process. */
  Optional<Mount.Namespace> namespace(String id, Path mounted) throws LayerStoreException {
    return mountsOf(id).namespaceOf(mounted);
  }

  private MountState mountNow(
      String id, LowerChain lower, MountOptions options, boolean refusesWrites, MountState before)
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
            Mounts.Api.ANY);
    boolean wasMarked = marks.has(id);
    if (isPersistent && !wasMarked) {
      marks.set(id);
    }
    Mounts by = helper.get();
    Mounted done;
    try {
      done = use(by, mount, wasMarked);
    } catch (LayerStoreException | RuntimeException e) {
      if (!by.isAlive() && before.made() == null) {
        undoMountOfDeadHelper(id, e);
      }
      if (!wasMarked) {
        marks.remove(id);
      }
      if (!layers.exists(id)) {
        throw LayerDirectories.failure(id, LayerDirectories.MISSING, e);
      }
      throw e;
    }
    if (done.isFound() && !done.isOfStore() && !wasMarked) {
      marks.remove(id);
      return before.withCount(2); // Made by a dockerd, which counts.
    }
    if (wasMarked && !isPersistent && !done.isFound()) {
      marks.remove(id); // Of a mount that is gone.
    }
    boolean isMarked = isPersistent || (wasMarked && done.isFound() && !done.isOfStore());
    return before.mounted(
        new MountState.Made(by, null, isPersistent, isMarked, refusesWrites, label(options)));
  }

  /** Mounts, or joins those who have the layer mounted. */
  private Mounted use(Mounts by, OverlayMount mount, boolean isMarked) throws LayerStoreException {
    String id = mount.id();
    AtomicReference<Mounted> result = new AtomicReference<>();
    AtomicReference<LayerStoreException> refusal = new AtomicReference<>();
    Patience.whileBusy(
        () -> {
          try {
            Mounted mounted = by.mount(mount);
            boolean isPersistent = !mounted.isOfStore() && isMarked;
            if (mounted.isShared()
                && (mounted.isOfStore() || isMarked)
                && isPersistent != mount.isPersistent()) {
              by.leave(id);
              refuse(id, otherOptions(id), refusal);
            }
            result.set(mounted);
          } catch (MountElsewhereException e) {
            if (mount.isReadOnly()) {
              refusal.set(e);
            } else {
              refuse(id, e, refusal);
            }
          }
        });
    LayerStoreException refused = refusal.get();
    if (refused != null) {
      throw refused;
    }
    return result.get();
  }

  /** Refuses what a living process is in the way of; one that is about to end, but for a moment. */
  private void refuse(
      String id, LayerStoreException why, AtomicReference<LayerStoreException> refusal)
      throws MountBusyException {
    if (others.mounting(id).isEmpty()) {
      throw why instanceof MountBusyException busy
          ? busy
          : new MountBusyException(id, List.of("a process that ends"), why);
    }
    refusal.set(why);
  }

  private static DriverException otherOptions(String id) {
    return failure(id, "is mounted already with other options; close that mount before this one");
  }

  /** The mount may have been made and only the answer be missing. */
  private void undoMountOfDeadHelper(String id, Exception failure) {
    Closing.after(failure, () -> helper.get().unmount(id, false));
  }

  private void requireSame(String id, MountOptions options) throws LayerStoreException {
    MountState.Made present = state(id).made();
    if (present == null) {
      return; // Made by another process; how is not known, and Docker does not ask either.
    }
    if (present.isPersistent() != options.isPersistent()
        || !present.label().equals(label(options))) {
      throw otherOptions(id);
    }
  }

  private Path mountDetached(String id, LowerChain lower, MountOptions options)
      throws LayerStoreException {
    if (options.isPersistent()) {
      throw failure(
          id,
          isReadOnly
              ? "cannot be mounted persistently by a store that is open for reading only"
              : "cannot be mounted persistently while another process has it mounted");
    }
    MountState state = state(id);
    MountState.Made made = state.made();
    if (made == null) {
      Mounts by = helper.get();
      OverlayMount mount = OverlayMount.readOnly(id, lower.links()).withLabel(label(options));
      made = new MountState.Made(by, by.mountDetached(mount), false, false, true, label(options));
    }
    set(id, state.mounted(made));
    return made.path(id);
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
      MountState state = state(id);
      if (state.lost() > 0) {
        set(id, state.withLost(state.lost() - 1));
        return;
      }
      int count = count(id);
      if (count > 1) {
        set(id, state.withCount(count - 1));
        if (!state(id).isUsed() && state.made() == null) {
          helper.get().leave(id); // A dockerd's.
        }
      } else if (count == 1 && !state.isPersistent()) {
        unmountNow(id, lazily);
      } else if (count == 1) {
        set(id, state.left()); // It stays, for the next one who wants it.
        helper.get().leave(id);
      }
    }
  }

  /**
   * Undoes the mount, however often it was counted; if that throws and it is gone, so is the count.
   *
   * @return whether it is gone, rather than left to other processes that use it
   */
  private boolean unmountNow(String id, boolean lazily) throws LayerStoreException {
    MountState state = state(id);
    MountState.Made made = state.made();
    Mounts.Detached nowhere = made == null ? null : made.detached();
    if (nowhere != null) {
      set(id, state.unmounted());
      nowhere.close();
      return true;
    }
    if (made != null && !made.isReadOnly() && !others.mounting(id).isEmpty()) {
      // The kernel counts them too, but not one whose helper was killed.
      helper.get().leave(id);
      set(id, state.unmounted());
      return false;
    }
    boolean isGone = true;
    try {
      isGone = undo(id, lazily);
    } catch (HelperFailureException e) {
      if (isMounted(id)) {
        throw e;
      }
      // The helper has died, and the mount is gone all the same.
    }
    set(id, state.unmounted());
    if (isGone && (made == null || made.isMarked())) {
      marks.remove(id);
    }
    return isGone;
  }

  /**
   * Undoes the mount unless other processes use it; returns whether it is gone. The helper of one
   * that was killed still counts for a moment.
   */
  private boolean undo(String id, boolean lazily) throws LayerStoreException {
    AtomicBoolean isGone = new AtomicBoolean();
    AtomicBoolean isLeft = new AtomicBoolean();
    try {
      Patience.whileBusy(
          () -> {
            isLeft.set(false);
            isGone.set(helper.get().unmount(id, lazily));
            isLeft.set(!isGone.get());
            if (isLeft.get() && others.mounting(id).isEmpty()) {
              throw new MountBusyException(id, List.of("a process that ends"), null);
            }
          });
    } catch (MountBusyException e) {
      if (!isLeft.get()) {
        throw e;
      }
    }
    return isGone.get();
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
      if (count(id) > 0) {
        if (state(id).isHeld()) {
          throw new MountBusyException(id, List.of("a mount of this store"), null);
        }
        if (!unmountNow(id, false)) {
          throw usedByOthers(id);
        }
      } else if (Files.isDirectory(layers.layout().merged(id))) {
        requireUnused(id);
      }
      removal.run();
      set(id, state(id).withLost(0));
    }
  }

  /** An overlay that was taken out of sight still needs the files, until its last user ends. */
  private void requireUnused(String id) throws LayerStoreException {
    boolean isGone;
    try {
      isGone = undo(id, false);
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
    if (!isGone) {
      throw usedByOthers(id);
    }
  }

  private MountBusyException usedByOthers(String id) {
    List<String> holders = others.mounting(id);
    return new MountBusyException(
        id, holders.isEmpty() ? List.of("a mount of another process") : holders, null);
  }

  /**
   * The mounts of this store that show the files of a layer, by their layers: it is mounted itself,
   * or stands below.
   */
  Set<String> mountsShowing(String id) throws LayerStoreException {
    Set<String> showing = new HashSet<>();
    for (String mounted : states.keySet()) {
      if (isMountedHere(mounted) && (mounted.equals(id) || layers.isBelow(id, mounted))) {
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
      MountState state = state(mounted);
      boolean stays = !state.isHeld() || state.isPersistent();
      if (stays && (mounted.equals(id) || layers.isBelow(id, mounted))) {
        throw failure(
            id, purpose + " while " + layers.layout().merged(mounted) + " is mounted; unmount it");
      }
    }
  }

  /** Whether this store has the layer mounted, or looks at it. */
  boolean isMountedHere(String id) {
    MountState state = state(id);
    return state.count() > 0 || state.views() > 0;
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
        if (state(id).isUsed()) {
          set(id, state(id).withCount(state(id).count() + 1));
          return viewOfMount(id);
        }
      }
    }
    if (features.canMountDetached()) {
      return viewNowhere(id, lower);
    }
    mount(id, MountOptions.DEFAULT, true);
    return viewOfMount(id);
  }

  private MergedView viewNowhere(String id, LowerChain lower) throws LayerStoreException {
    addView(id, 1);
    Mounts.Detached nowhere;
    try {
      nowhere = helper.get().mountDetached(OverlayMount.readOnly(id, lower.links()));
    } catch (LayerStoreException | RuntimeException e) {
      addView(id, -1);
      throw e;
    }
    return new MergedView(
        new ScanPool(() -> calls.openTree(nowhere.path())),
        () -> {
          try {
            nowhere.close();
          } finally {
            addView(id, -1);
          }
        });
  }

  private void addView(String id, int more) {
    KeyedLock.Held lock = locks.acquire(id);
    try (lock) {
      set(id, state(id).withViews(state(id).views() + more));
    }
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
      for (String id : List.copyOf(states.keySet())) {
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
    MountState state = state(id);
    if (state.isHeld() && !state.isPersistent()) {
      try {
        unmountNow(id, false);
      } catch (MountBusyException e) {
        unmountNow(id, true);
        throw e;
      }
    } else if (state.made() != null && !state.isPersistent()) {
      unmountNow(id, false);
    }
    set(id, state(id).unmounted());
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
