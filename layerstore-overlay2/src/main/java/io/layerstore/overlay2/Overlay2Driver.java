package io.layerstore.overlay2;

import io.layerstore.DriverException;
import io.layerstore.DriverStatus;
import io.layerstore.Durability;
import io.layerstore.IdMapping;
import io.layerstore.LayerStoreException;
import io.layerstore.Mount;
import io.layerstore.MountBusyException;
import io.layerstore.MountOptions;
import io.layerstore.ReadOnlyStoreException;
import io.layerstore.RecoveryReport;
import io.layerstore.driver.AtomicFiles;
import io.layerstore.driver.Closing;
import io.layerstore.driver.DamagedFiles;
import io.layerstore.overlay2.linux.DiffWriter;
import io.layerstore.overlay2.linux.LinuxCalls;
import io.layerstore.overlay2.linux.TreeScan;
import io.layerstore.overlay2.linux.UserNamespace;
import io.layerstore.overlay2.linux.WriteSettings;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.DriverContext;
import io.layerstore.spi.DriverTraits;
import io.layerstore.spi.FileGetter;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.LayerTree;
import io.layerstore.spi.NativeDiff;
import io.layerstore.spi.TreeWriter;
import io.layerstore.spi.WriteContext;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The {@code overlay2} driver: a layer is a directory with its own files, merged by the kernel with
 * those of the layers below.
 *
 * <p>Has the directories of {@code graphdriver/overlay2} of moby, and can share them with a dockerd
 * that is not running. What needs more than {@code java.nio.file} is done by the native helper.
 *
 * <p>An ordinary user can make no device nodes: those of archives are left out, with a warning, and
 * what a layer below has at their paths stays in sight, as with dockerd in a user namespace.
 *
 * <p>Safe for use by many threads on different ids. After a failure a layer is there or not; one
 * whose deletion failed half way is still listed, and its deletion can be tried again.
 */
final class Overlay2Driver implements GraphDriver {

  private final DriverContext context;
  private final LinuxCalls calls;
  private final OverlayFeatures features;
  private final HostOwners owners;
  private final LayerDirectories layers;
  private final OverlayMounts mounts;
  private final ReplacedFiles replaced;
  private final Set<String> writers = ConcurrentHashMap.newKeySet();
  private RecoveryReport recovery = RecoveryReport.CLEAN;

  /** What a look at opening found, until the store has asked for it. */
  private @Nullable HomeIndex atOpening;

  /** What was moved out of the way at opening. */
  private final List<RecoveryReport.Finding> moved = new ArrayList<>();

  private Overlay2Driver(
      DriverContext context, LinuxCalls calls, OverlayFeatures features, HostOwners owners) {
    this.context = context;
    this.calls = calls;
    this.features = features;
    this.owners = owners;
    Overlay2Layout layout = new Overlay2Layout(context.home().toAbsolutePath());
    this.layers = new LayerDirectories(layout, owners, context.durability());
    this.mounts =
        new OverlayMounts(layers, calls, features, owners, context.readOnly(), context.others());
    this.replaced = new ReplacedFiles(layers, mounts, calls, context.durability());
  }

  /** Opens the home of {@code context}, and makes and mends it unless the context is read-only. */
  static Overlay2Driver open(DriverContext context, LinuxCalls calls, OverlayFeatures features)
      throws LayerStoreException {
    // An ordinary user's helper shows the ids inside the layer by itself.
    HostOwners owners =
        new HostOwners(
            features.isRoot() ? context.idMapping() : IdMapping.IDENTITY, features.isRoot());
    Overlay2Driver driver = new Overlay2Driver(context, calls, features, owners);
    if (context.readOnly()) {
      return driver;
    }
    try {
      driver.prepareHome();
      if (!context.others().arePresent()) {
        driver.recovery = driver.recover();
      }
      return driver;
    } catch (IOException | RuntimeException e) {
      Closing.after(e, driver::close);
      throw e instanceof RuntimeException unchecked
          ? rethrow(unchecked)
          : wrap(context, (IOException) e);
    }
  }

  private static LayerStoreException rethrow(RuntimeException e) {
    throw e;
  }

  private static LayerStoreException wrap(DriverContext context, IOException e) {
    return e instanceof LayerStoreException known
        ? known
        : LayerDirectories.failure(null, "cannot use " + context.home(), e);
  }

  private void prepareHome() throws IOException {
    Overlay2Layout layout = layers.layout();
    prepareDirectory(layout.home(), Overlay2Layout.HOME_MODE);
    owners.giveLayerDirectory(layout.home());
    prepareDirectory(layout.links(), Overlay2Layout.LINKS_MODE);
  }

  private void prepareDirectory(Path directory, int mode) throws IOException {
    if (DamagedFiles.isObstructed(directory)) {
      moved.add(
          new RecoveryReport.Finding(
              RecoveryReport.Kind.DRIVER_REPAIR,
              directory.toString(),
              "it was no directory, and is " + DamagedFiles.moveAside(directory) + " now"));
    }
    AtomicFiles.createDirectories(directory, mode, context.durability());
    Files.setPosixFilePermissions(
        directory,
        PosixFilePermissions.fromString(
            mode == Overlay2Layout.HOME_MODE ? "rwx--x---" : "rwx------"));
  }

  private RecoveryReport recover() throws LayerStoreException {
    List<RecoveryReport.Finding> findings = new ArrayList<>(moved);
    Set<String> mounted = new HashSet<>();
    HomeIndex looked = HomeIndex.look(layers);
    if (hasMountPoint(looked.untidy())) {
      mounted.addAll(sweepMounts(findings));
    }
    findings.addAll(new HomeRecovery(layers, looked, mounted).run().findings());
    atOpening = looked;
    return findings.isEmpty() ? RecoveryReport.CLEAN : new RecoveryReport(findings);
  }

  /** Undoes what dead processes have mounted; returns the layers whose mount points stay. */
  private Set<String> sweepMounts(List<RecoveryReport.Finding> findings)
      throws LayerStoreException {
    findings.addAll(mounts.undoAbandoned());
    Set<String> mounted = mounts.mountedIds();
    mounted.addAll(mounts.removeMountPoints(mounted, findings));
    return mounted;
  }

  /** Only a mount leaves {@code merged} behind, so the helper is not asked without one. */
  private boolean hasMountPoint(List<String> ids) {
    return ids.stream()
        .anyMatch(id -> Files.isDirectory(layers.layout().merged(id), LinkOption.NOFOLLOW_LINKS));
  }

  @Override
  public String name() {
    return Overlay2DriverProvider.NAME;
  }

  @Override
  public DriverTraits traits() {
    return DriverTraits.builder()
        .keepsOwners(givesFilesAway(calls.likelyNamespace()))
        .keepsSpecialModes(true)
        .keepsDevices(features.makesDevices())
        .keepsXattrs(features.isRoot())
        .keepsByteNames(true)
        .isCaseSensitive(true)
        .hasKernelMounts(true)
        .hasPersistentMounts(features.isRoot())
        .build();
  }

  /** An ordinary user's files are the user's where the namespace has no other id for them. */
  @Override
  public boolean hasStandInOwners() {
    if (features.isRoot()) {
      return false;
    }
    try {
      calls.namespace(); // From here on the traits are certain, too.
    } catch (LayerStoreException e) {
      // What is done with the answer fails for the same reason.
    }
    return true;
  }

  /** Whether files get their owners from the archive, if helpers work in {@code namespace}. */
  private boolean givesFilesAway(UserNamespace namespace) {
    return features.isRoot()
        || (namespace.hasRanges() && !Overlay2Options.wantsOwnIds(context.options()));
  }

  @Override
  public DriverStatus status() {
    return features.toStatus(ownersForPeople());
  }

  private String ownersForPeople() {
    if (features.isRoot()) {
      return "set as in the archive";
    }
    try {
      UserNamespace namespace = calls.namespace();
      if (givesFilesAway(namespace)) {
        return "set as in the archive, to subordinate ids: users "
            + ranges(namespace.ranges().uids())
            + ", groups "
            + ranges(namespace.ranges().gids());
      }
      return "all files are this user's, for "
          + (Overlay2Options.wantsOwnIds(context.options())
              ? "the option overlay2.ids is own"
              : namespace.shortcoming());
    } catch (LayerStoreException e) {
      return "nothing can be tried: " + e.getMessage();
    }
  }

  private static String ranges(List<IdMapping.Range> ranges) {
    return ranges.stream().map(IdMapping.Range::toString).collect(Collectors.joining(" "));
  }

  @Override
  public RecoveryReport recoveryReport() {
    return recovery;
  }

  // ---- layers ----

  @Override
  public void create(String id, @Nullable String parent, CreateOptions options)
      throws LayerStoreException {
    requireIds(id, parent);
    requireWritable();
    Overlay2Options.requireNone(id, options.storageOptions());
    features.requireSupported();
    // What sync forces need not be forced before.
    layers.create(
        id,
        parent,
        context.durability() == Durability.FULL ? Durability.NONE : context.durability());
  }

  @Override
  public void createReadWrite(String id, @Nullable String parent, CreateOptions options)
      throws LayerStoreException {
    requireIds(id, parent);
    requireWritable();
    if (!options.storageOptions().isEmpty()) {
      Overlay2Options.requireNoQuota(id, options.storageOptions(), features.fileSystem());
    }
    features.requireSupported();
    layers.create(id, parent, context.durability());
  }

  @Override
  public void remove(String id) throws LayerStoreException {
    Overlay2Layout.requireValid(id);
    requireWritable();
    if (!Files.isDirectory(layers.layout().layer(id), LinkOption.NOFOLLOW_LINKS)) {
      layers.removeLink(id);
      return;
    }
    replaced.requireNotShown(id);
    mounts.runUnmounted(
        id,
        () -> {
          List<String> inside = calls.mountsBelow(layers.layout().layer(id));
          if (!inside.isEmpty()) {
            throw somethingMountedIn(id, inside, null);
          }
          // The name first, as in Docker: a layer without one is known to be on its way out.
          layers.removeLink(id);
          try {
            calls.remove(layers.layout().home(), id);
          } catch (MountBusyException e) {
            throw somethingMountedIn(id, e.holders(), e);
          }
        });
  }

  /** Not a mount of the layer but one among its files, which nobody here made. */
  private static DriverException somethingMountedIn(
      String id, List<String> inside, @Nullable MountBusyException cause) {
    return new DriverException(
        Overlay2DriverProvider.NAME,
        id,
        "cannot be deleted while something is mounted in it: "
            + (inside.isEmpty() ? "in another namespace" : String.join(", ", inside))
            + "; unmount that and clean up",
        cause);
  }

  @Override
  public boolean exchangeFiles(String damaged, String sound, @Nullable String parent)
      throws LayerStoreException {
    requireIds(damaged, parent);
    requireIds(sound, null);
    requireWritable();
    replaced.exchange(damaged, sound, parent);
    return true;
  }

  @Override
  public boolean exists(String id) {
    return layers.exists(id);
  }

  @Override
  public Optional<String> neededParent(String id) throws LayerStoreException {
    return layers.parent(Overlay2Layout.requireValid(id));
  }

  @Override
  public Optional<String> problem(String id, @Nullable String parent) {
    return Overlay2Layout.isValid(id)
        ? layers.problem(id, parent)
        : Optional.of("its id is not one of a layer");
  }

  @Override
  public Set<String> intact(Map<String, Optional<String>> parents) throws LayerStoreException {
    HomeIndex looked = atOpening;
    atOpening = null;
    return (looked == null ? HomeIndex.look(layers) : looked).intact(parents, !context.readOnly());
  }

  @Override
  public List<String> ids() throws LayerStoreException {
    return layers.ids();
  }

  @Override
  public Map<String, String> metadata(String id) throws LayerStoreException {
    return layers.metadata(Overlay2Layout.requireValid(id));
  }

  // ---- mounts ----

  @Override
  public Path mount(String id, MountOptions options) throws LayerStoreException {
    Overlay2Layout.requireValid(id);
    return mounts.mount(id, options, layers.isCommitted(id));
  }

  @Override
  public Path mountReadOnly(String id, MountOptions options) throws LayerStoreException {
    return mounts.mount(Overlay2Layout.requireValid(id), options, true);
  }

  @Override
  public void unmount(String id) throws LayerStoreException {
    mounts.unmount(Overlay2Layout.requireValid(id), false);
  }

  @Override
  public void unmountLazily(String id) throws LayerStoreException {
    mounts.unmount(Overlay2Layout.requireValid(id), true);
  }

  @Override
  public void enter(String id, Path mounted, ProcessBuilder builder, boolean isRoot)
      throws LayerStoreException {
    mounts.enter(Overlay2Layout.requireValid(id), mounted, builder, isRoot);
  }

  @Override
  public Optional<Mount.Namespace> namespace(String id, Path mounted) throws LayerStoreException {
    return mounts.namespace(Overlay2Layout.requireValid(id), mounted);
  }

  // ---- content ----

  @Override
  public TreeWriter openWriter(String id, @Nullable String parent, WriteContext writeContext)
      throws LayerStoreException {
    requireIds(id, parent);
    requireWritable();
    layers.requireExists(id);
    if (!writers.add(id)) {
      throw new IllegalStateException("layer " + id + " is being written already");
    }
    try {
      boolean hasOneId = !givesFilesAway(calls.namespace());
      boolean allowsWhiteoutDevices = Overlay2Options.allowsWhiteoutDevices(context.options());
      WriteSettings settings =
          new WriteSettings(owners.mapping(), hasOneId, allowsWhiteoutDevices, 0);
      Path home = layers.layout().home();
      return new LayerWriter(
          calls.openWriter(home, id, settings, writeContext),
          writeContext,
          new LayerWriter.Layer() {
            @Override
            public void completeWhiteouts(boolean isRootOpaque) throws LayerStoreException {
              if (isRootOpaque && parent != null) {
                try (TreeScan own = openOwn(id);
                    LayerTree below = tree(parent);
                    TreeWriter more = calls.openWriter(home, id, settings, writeContext)) {
                  OpaqueRoot.hide(own, below, more);
                }
              }
              try (TreeScan own = openOwn(id);
                  DiffWriter less = calls.openWriter(home, id, settings, writeContext)) {
                NeedlessWhiteouts.take(own, parent == null ? null : () -> tree(parent), less);
              }
            }

            @Override
            public TreeScan openDirectory() throws LayerStoreException {
              return openOwn(id);
            }

            @Override
            public void closed() {
              writers.remove(id);
            }
          },
          isFresh(id));
    } catch (LayerStoreException | RuntimeException e) {
      writers.remove(id);
      throw e;
    }
  }

  /** Whether nothing has been written into the layer. */
  private boolean isFresh(String id) {
    try (DirectoryStream<Path> names = Files.newDirectoryStream(layers.layout().diff(id))) {
      return !names.iterator().hasNext();
    } catch (IOException e) {
      return false; // A user's root directory that this user may not list: only one in use is so.
    }
  }

  @Override
  public FileGetter files(String id) throws LayerStoreException {
    layers.requireExists(id);
    return new LayerFileGetter(
        () -> openOwn(id), () -> layers.lower(id).isEmpty() ? null : mounts.view(id));
  }

  @Override
  public LayerTree tree(String id) throws LayerStoreException {
    layers.requireExists(id);
    MergedView view =
        layers.lower(id).isEmpty()
            ? new MergedView(new ScanPool(() -> openOwn(id)), () -> {})
            : mounts.view(id);
    return new OverlayTree(view, new NodeEntries(id, owners));
  }

  private TreeScan openOwn(String id) throws LayerStoreException {
    return calls.openDiff(layers.layout().home(), id);
  }

  @Override
  public Optional<NativeDiff> nativeDiff(String id, @Nullable String parent)
      throws LayerStoreException {
    requireIds(id, parent);
    layers.requireExists(id);
    if (!layers.isParent(id, parent)) {
      return Optional.empty();
    }
    OverlayDiff.Source source =
        new OverlayDiff.Source() {
          @Override
          public TreeScan openOwn() throws LayerStoreException {
            return Overlay2Driver.this.openOwn(id);
          }

          @Override
          public @Nullable LayerTree openParent() throws LayerStoreException {
            return parent == null ? null : tree(parent);
          }
        };
    return Optional.of(new OverlayDiff(source, new NodeEntries(id, owners)));
  }

  // ---- the rest ----

  /**
   * {@inheritDoc}
   *
   * <p>Does so for {@link Durability#FULL} only, with one call for the whole file system.
   */
  @Override
  public void sync(String id) throws LayerStoreException {
    sync(List.of(id));
  }

  /** {@inheritDoc} One call does for all. */
  @Override
  public void sync(Collection<String> ids) throws LayerStoreException {
    for (String id : ids) {
      layers.requireExists(id);
    }
    if (!ids.isEmpty() && context.durability() == Durability.FULL) {
      calls.sync(layers.layout().home());
    }
  }

  @Override
  public boolean forcesFileSystemOf(Path path) throws LayerStoreException {
    try {
      return context.durability() == Durability.FULL
          && device(path).equals(device(layers.layout().home()));
    } catch (IOException e) {
      throw LayerDirectories.failure(null, "cannot tell the file system of " + path, e);
    }
  }

  private static Object device(Path path) throws IOException {
    return Files.getAttribute(path, "unix:dev");
  }

  /**
   * Undoes mounts of processes that are gone, and deletes names in {@code l/} whose layer is gone;
   * alone on the root it mends what opening mends, too. Mounts that this store did not make stay if
   * others use them, if they are persistent, or those of containers that a dockerd will look for.
   */
  @Override
  public void cleanup() throws LayerStoreException {
    requireWritable();
    if (context.others().areMany()) {
      sweepMounts(new ArrayList<>());
    } else {
      recover();
      atOpening = null;
    }
    // A layer has its directory longer than its name, so nobody is about to make or delete these.
    for (Map.Entry<String, List<String>> link : layers.links().entrySet()) {
      if (!Files.isDirectory(layers.layout().layer(link.getKey()), LinkOption.NOFOLLOW_LINKS)) {
        for (String name : link.getValue()) {
          try {
            Files.deleteIfExists(layers.layout().link(name));
          } catch (IOException e) {
            throw LayerDirectories.failure(null, "cannot clean up", e);
          }
        }
      }
    }
  }

  /**
   * {@inheritDoc}
   *
   * <p>A mount that is in use is undone lazily: its path is empty at once, and whoever has files of
   * it open keeps them until closing them.
   */
  @Override
  public void close() throws LayerStoreException {
    try {
      mounts.close();
    } finally {
      calls.close();
    }
  }

  private static void requireIds(String id, @Nullable String parent) {
    Overlay2Layout.requireValid(id);
    if (parent != null) {
      Overlay2Layout.requireValid(parent);
    }
  }

  private void requireWritable() throws ReadOnlyStoreException {
    if (context.readOnly()) {
      throw new ReadOnlyStoreException(context.root());
    }
  }
}
