package io.layerstore.vfs;

import io.layerstore.DriverException;
import io.layerstore.DriverStatus;
import io.layerstore.Durability;
import io.layerstore.LayerStoreException;
import io.layerstore.MountBusyException;
import io.layerstore.MountOptions;
import io.layerstore.ReadOnlyStoreException;
import io.layerstore.RecoveryReport;
import io.layerstore.RootDirectory;
import io.layerstore.driver.Closing;
import io.layerstore.driver.MountCounter;
import io.layerstore.driver.PlainDirectoryEntry;
import io.layerstore.driver.PreloadedClasses;
import io.layerstore.driver.rooted.Directory;
import io.layerstore.driver.rooted.InRootDirectory;
import io.layerstore.spi.CreateOptions;
import io.layerstore.spi.DriverContext;
import io.layerstore.spi.DriverIds;
import io.layerstore.spi.DriverTraits;
import io.layerstore.spi.FileGetter;
import io.layerstore.spi.GraphDriver;
import io.layerstore.spi.LayerTree;
import io.layerstore.spi.NativeDiff;
import io.layerstore.spi.TreeWriter;
import io.layerstore.spi.WriteContext;
import io.layerstore.vfs.record.AttributeLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The {@code vfs} driver: a layer is a directory with all of its files, a child a copy of it, a
 * mount the layer's own directory, counted and no more.
 *
 * <p>Safe for use by many threads. Has the directories of {@code graphdriver/vfs} of moby.
 */
final class VfsDriver implements GraphDriver {

  private final DriverContext context;
  private final VfsLayout layout;
  private volatile Volume volume;

  /** False on a disk that was full at opening: before anything is made, it is tried again. */
  private volatile boolean isTried;

  private final RecoveryReport recovery;
  private final VfsLayers layers;
  private final MountCounter<String> mounts = new MountCounter<>(id -> false);
  private final Set<String> writers = ConcurrentHashMap.newKeySet();

  /** For each layer made by this driver and never mounted: nobody else knows where it is. */
  private final Map<String, Seclusion> secluded = new ConcurrentHashMap<>();

  private VfsDriver(DriverContext context, VfsLayout layout, VfsHome home) {
    this.context = context;
    this.layout = layout;
    this.volume = home.volume();
    this.isTried = home.isTried();
    this.recovery = home.recovery();
    this.layers = new VfsLayers(layout, volume, context.durability() == Durability.FULL);
  }

  /** Opens the home of {@code context}, and makes it unless the context is read-only. */
  static VfsDriver open(DriverContext context) throws LayerStoreException {
    PreloadedClasses.load(InRootWalker.class);
    PreloadedClasses.load(VfsFailures.class);
    VfsLayout layout = new VfsLayout(context.home());
    try {
      VfsHome home =
          context.readOnly() ? VfsHome.look(context, layout) : VfsHome.prepare(context, layout);
      return new VfsDriver(context, layout, home);
    } catch (IOException e) {
      throw VfsFailures.of(null, "cannot use " + context.home(), e);
    }
  }

  @Override
  public String name() {
    return VfsDriverProvider.NAME;
  }

  @Override
  public DriverTraits traits() {
    FileSystemTraits traits = volume.traits();
    return DriverTraits.builder()
        .keepsOwners(traits.setsOwners())
        .keepsSpecialModes(traits.setsSpecialModes())
        .keepsByteNames(true)
        .isCaseSensitive(true)
        .executesWhiteouts(true)
        .hasPersistentMounts(true)
        .build();
  }

  @Override
  public DriverStatus status() throws LayerStoreException {
    FileSystemTraits traits = volume.traits();
    Path place = Files.isDirectory(layout.home()) ? layout.home() : context.root();
    try {
      return new DriverStatus(
          List.of(
              new DriverStatus.Fact("Backing Filesystem", Files.getFileStore(place).type()),
              new DriverStatus.Fact("Owners", keptOrRecorded(traits.setsOwners())),
              new DriverStatus.Fact(
                  "Setuid, Setgid, Sticky", keptOrRecorded(traits.setsSpecialModes())),
              new DriverStatus.Fact("Devices, FIFOs", keptOrRecorded(false)),
              new DriverStatus.Fact(
                  "Extended Attributes",
                  traits.keepsUserXattrs() ? "user.* kept, others recorded" : "recorded"),
              new DriverStatus.Fact(
                  "Labels, Signatures",
                  "left out with a warning, for they are set for a file and Java sets none"),
              new DriverStatus.Fact(
                  "Names", traits.names().hasEscapes() ? "kept or escaped" : "kept"),
              new DriverStatus.Fact(
                  "Links",
                  traits.hasSymlinks() && traits.hasHardLinks() ? "kept" : "kept or recorded")));
    } catch (IOException e) {
      throw VfsFailures.of(null, "cannot tell the status", e);
    }
  }

  private static String keptOrRecorded(boolean isKept) {
    return isKept ? "kept" : "recorded";
  }

  @Override
  public RecoveryReport recoveryReport() {
    return recovery;
  }

  @Override
  public void create(String id, @Nullable String parent, CreateOptions options)
      throws LayerStoreException {
    create(id, parent, options, false);
  }

  /**
   * Makes a layer.
   *
   * @param isForced whether the copies of the parent's files are forced to the disk now
   */
  private void create(String id, @Nullable String parent, CreateOptions options, boolean isForced)
      throws LayerStoreException {
    requireIds(id, parent);
    requireWritable();
    VfsOptions.requireNone(id, options.storageOptions());
    requireNoLabel(id, options.mountLabel().orElse(null));
    if (exists(id)) {
      throw new DriverException(name(), id, "exists already", null);
    }
    try {
      requireTried();
      LayerFiles parentFiles = parent == null ? null : layers.get(parent);
      layers.create(id, parentFiles, isForced);
    } catch (IOException e) {
      throw VfsFailures.of(id, "cannot create the layer", e);
    }
    secluded.put(id, Seclusion.ofNewLayer());
  }

  @Override
  public void createReadWrite(String id, @Nullable String parent, CreateOptions options)
      throws LayerStoreException {
    create(id, parent, options, true);
  }

  @Override
  public void remove(String id) throws LayerStoreException {
    DriverIds.requireValid(id);
    requireWritable();
    if (mounts.count(id) > 0) {
      throw new MountBusyException(id, List.of(), null);
    }
    secluded.remove(id);
    try {
      layers.delete(id);
    } catch (IOException e) {
      throw VfsFailures.of(id, "cannot remove the layer", e);
    }
  }

  @Override
  public boolean exists(String id) {
    DriverIds.requireValid(id);
    return layers.exists(id);
  }

  @Override
  public List<String> ids() throws LayerStoreException {
    try {
      return layers.ids();
    } catch (IOException e) {
      throw VfsFailures.of(null, "cannot list the layers", e);
    }
  }

  @Override
  public Path mount(String id, MountOptions options) throws LayerStoreException {
    Path directory = layer(id).directory();
    requireNoLabel(id, options.mountLabel().orElse(null));
    endSeclusion(id);
    mounts.increment(id);
    return directory;
  }

  @Override
  public Optional<RootDirectory> rootDirectory(String id, Path mounted) {
    DriverIds.requireValid(id);
    return Optional.of(InRootDirectory.of(mounted, () -> new LayerView(layers.get(id))));
  }

  @Override
  public void unmount(String id) throws LayerStoreException {
    DriverIds.requireValid(id);
    mounts.decrement(id);
  }

  /** {@inheritDoc} The mount is a plain directory, so that the programs of the machine do. */
  @Override
  public void enter(String id, Path mounted, ProcessBuilder builder, boolean isRoot)
      throws LayerStoreException {
    PlainDirectoryEntry entry = new PlainDirectoryEntry(name());
    if (isRoot) {
      entry.chroot(id, mounted, builder);
    } else {
      entry.enter(id, mounted, builder);
    }
  }

  @Override
  public Map<String, String> metadata(String id) throws LayerStoreException {
    Path directory = layer(id).directory();
    endSeclusion(id);
    return Map.of("SourceDir", directory.toString());
  }

  private void endSeclusion(String id) {
    Seclusion seclusion = secluded.remove(id);
    if (seclusion != null) {
      seclusion.end();
    }
  }

  @Override
  public TreeWriter openWriter(String id, @Nullable String parent, WriteContext writeContext)
      throws LayerStoreException {
    requireIds(id, parent);
    requireWritable();
    try {
      requireTried();
    } catch (IOException e) {
      throw VfsFailures.of(id, "cannot open the layer for writing", e);
    }
    LayerFiles layer = layer(id);
    if (!writers.add(id)) {
      throw new IllegalStateException("layer " + id + " is being written already");
    }
    try {
      return openWriter(layer, writeContext);
    } catch (IOException e) {
      writers.remove(id);
      throw VfsFailures.of(id, "cannot open the layer for writing", e);
    } catch (RuntimeException e) {
      writers.remove(id);
      throw e;
    }
  }

  private TreeWriter openWriter(LayerFiles layer, WriteContext writeContext) throws IOException {
    requireSafeToWrite(layer);
    Staging staging = layers.newStaging(layer.id());
    AttributeLog log = null;
    try {
      log = new AttributeLog(staging.path(), layer.openTable());
      return new VfsTreeWriter(
          layer,
          writeContext,
          staging,
          log,
          secluded.getOrDefault(layer.id(), Seclusion.none()),
          new VfsTreeWriter.Publication() {
            @Override
            public void publish(AttributeLog records) throws IOException {
              layers.publish(layer, staging, records);
            }

            @Override
            public void ended() {
              writers.remove(layer.id());
            }
          });
    } catch (IOException | RuntimeException e) {
      if (log != null) {
        Closing.after(e, log);
      }
      Closing.after(e, staging);
      throw e;
    }
  }

  /** Where directories cannot be held open, whoever uses a layer could lead writes out of it. */
  private void requireSafeToWrite(LayerFiles layer) throws IOException {
    if (mounts.count(layer.id()) == 0) {
      return;
    }
    try (Directory directory = layer.open()) {
      if (!directory.isHeld()) {
        throw new DriverException(
            name(),
            layer.id(),
            "is mounted, and on this file system that makes writing into it unsafe; unmount it",
            null);
      }
    }
  }

  @Override
  public FileGetter files(String id) throws LayerStoreException {
    try {
      return new VfsFileGetter(layer(id));
    } catch (IOException e) {
      throw VfsFailures.of(id, "cannot open the layer", e);
    }
  }

  @Override
  public LayerTree tree(String id) throws LayerStoreException {
    try {
      return new VfsLayerTree(layer(id));
    } catch (IOException e) {
      throw VfsFailures.of(id, "cannot open the layer", e);
    }
  }

  /** There is none: trees have to be compared. */
  @Override
  public Optional<NativeDiff> nativeDiff(String id, @Nullable String parent) {
    requireIds(id, parent);
    return Optional.empty();
  }

  /**
   * {@inheritDoc}
   *
   * <p>Does so for {@link Durability#FULL} only; every file of the layer is opened for it, those
   * copied from the parent included.
   */
  @Override
  public void sync(String id) throws LayerStoreException {
    LayerFiles layer = layer(id);
    try {
      layers.sync(layer);
    } catch (IOException e) {
      throw VfsFailures.of(id, "cannot force the layer to the disk", e);
    }
  }

  /** Deletes records whose layer is gone. */
  @Override
  public void cleanup() throws LayerStoreException {
    requireWritable();
    if (context.others().areMany()) {
      return; // What they have in hand looks the same.
    }
    try {
      layers.deleteOrphans();
    } catch (IOException e) {
      throw VfsFailures.of(null, "cannot clean up", e);
    }
  }

  /** Forgets the mounts; there is nothing to undo. */
  @Override
  public void close() {
    mounts.mounted().forEach(mounts::forget);
  }

  private void requireTried() throws IOException {
    if (!isTried) {
      synchronized (layers) {
        if (!isTried) {
          volume = VfsHome.tryVolume(context, layout);
          layers.setVolume(volume);
          isTried = true;
        }
      }
    }
  }

  private LayerFiles layer(String id) throws DriverException {
    DriverIds.requireValid(id);
    return layers.get(id);
  }

  private static void requireIds(String id, @Nullable String parent) {
    DriverIds.requireValid(id);
    if (parent != null) {
      DriverIds.requireValid(parent);
    }
  }

  private void requireWritable() throws ReadOnlyStoreException {
    if (context.readOnly()) {
      throw new ReadOnlyStoreException(context.root());
    }
  }

  /** Java cannot set SELinux labels, and there is no mount to give one to. */
  private static void requireNoLabel(String id, @Nullable String label) throws DriverException {
    if (label != null && !label.isEmpty()) {
      throw new DriverException(
          VfsDriverProvider.NAME,
          id,
          "cannot give files the label \"" + label + "\"; use the overlay2 driver for that",
          null);
    }
  }
}
