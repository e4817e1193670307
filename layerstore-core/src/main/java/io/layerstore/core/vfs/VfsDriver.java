package io.layerstore.core.vfs;

import io.layerstore.DriverException;
import io.layerstore.DriverStatus;
import io.layerstore.Durability;
import io.layerstore.LayerStoreException;
import io.layerstore.MountBusyException;
import io.layerstore.MountOptions;
import io.layerstore.ReadOnlyStoreException;
import io.layerstore.RecoveryReport;
import io.layerstore.driver.AtomicFiles;
import io.layerstore.driver.MountCounter;
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
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The {@code vfs} driver: a layer is a directory with all of its files, a child a copy of it.
 *
 * <p>A creation builds the copy in the staging directory and renames it; a removal renames the
 * layer into the staging directory and deletes it there. So a layer is there or not, and what a
 * crash leaves behind is in the staging directory, which is emptied at the next opening. A mount is
 * the layer's own directory, counted and no more.
 *
 * <p>Safe for use by many threads. Has the directories of {@code graphdriver/vfs} of moby.
 */
final class VfsDriver implements GraphDriver {

  private static final int LAYER_MODE = 0755;
  private static final int TABLE_MODE = 0600;

  private final DriverContext context;
  private final VfsLayout layout;
  private final Volume volume;
  private final RecoveryReport recovery;
  private final MountCounter<String> mounts = new MountCounter<>(id -> false);
  private final Set<String> writers = ConcurrentHashMap.newKeySet();
  private final AtomicLong stagings = new AtomicLong();

  private VfsDriver(
      DriverContext context, VfsLayout layout, Volume volume, RecoveryReport recovery) {
    this.context = context;
    this.layout = layout;
    this.volume = volume;
    this.recovery = recovery;
  }

  /** Opens the home of {@code context}, and makes it unless the context is read-only. */
  static VfsDriver open(DriverContext context) throws LayerStoreException {
    VfsLayout layout = new VfsLayout(context.home());
    try {
      VfsHome home = context.readOnly() ? VfsHome.look(context) : VfsHome.prepare(context, layout);
      return new VfsDriver(context, layout, home.volume(), home.recovery());
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
    return new DriverTraits(
        traits.setsOwners(),
        traits.setsSpecialModes(),
        false,
        false,
        volume.names().keepsAllNames(),
        !traits.foldsNames(),
        true,
        false,
        true);
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
              new DriverStatus.Fact("Case Sensitive", String.valueOf(!traits.foldsNames()))));
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

  // Layers

  @Override
  public void create(String id, @Nullable String parent, CreateOptions options)
      throws LayerStoreException {
    requireIds(id, parent);
    requireWritable();
    VfsOptions.requireNone(id, options.storageOptions());
    requireNoLabel(id, options.mountLabel());
    if (exists(id)) {
      throw failure(id, "exists already");
    }
    if (parent != null) {
      requireExists(parent);
    }
    try (Staging staging = newStaging(id)) {
      build(id, parent, staging);
    } catch (IOException e) {
      throw VfsFailures.of(id, "cannot create the layer", e);
    }
  }

  @Override
  public void createReadWrite(String id, @Nullable String parent, CreateOptions options)
      throws LayerStoreException {
    create(id, parent, options);
  }

  private void build(String id, @Nullable String parent, Staging staging) throws IOException {
    Path directory = staging.path().resolve("files");
    LayerFiles target = new LayerFiles(id, directory, layout.table(id), volume);
    Files.createDirectory(directory, volume.creation(LAYER_MODE));
    volume.setOwner(directory, id, "", 0, 0);
    volume.setMode(directory, LAYER_MODE);
    try (AttributeLog log = new AttributeLog(staging.path(), null)) {
      if (parent != null) {
        copy(layer(parent), target, log);
      }
      Files.deleteIfExists(layout.table(id));
      publish(target, staging, log);
    }
    Files.move(directory, layout.layer(id), StandardCopyOption.ATOMIC_MOVE);
    if (isDurable()) {
      AtomicFiles.syncDirectory(layout.layers());
    }
  }

  private static void copy(LayerFiles source, LayerFiles target, AttributeLog log)
      throws IOException {
    try (AttributeTable table = source.openTable()) {
      new TreeCopier(source, LayerFiles.Records.of(table, source.rootInode()), target, log).copy();
    }
  }

  /** Makes the records of {@code log} those of {@code layer}, at once or not at all. */
  private void publish(LayerFiles layer, Staging staging, AttributeLog log) throws IOException {
    if (log.isUnchanged()) {
      return;
    }
    Path table = staging.path().resolve("table");
    long records =
        log.writeTo(table, log.root(layer.rootInode()), isDurable(), volume.creation(TABLE_MODE));
    if (records == 0) {
      Files.deleteIfExists(layer.table());
    } else {
      Files.move(
          table,
          layer.table(),
          StandardCopyOption.ATOMIC_MOVE,
          StandardCopyOption.REPLACE_EXISTING);
    }
    if (isDurable()) {
      AtomicFiles.syncDirectory(layout.tables());
    }
  }

  @Override
  public void remove(String id) throws LayerStoreException {
    DriverIds.requireValid(id);
    requireWritable();
    if (mounts.count(id) > 0) {
      throw new MountBusyException(id, List.of(), null);
    }
    try (Staging staging = newStaging(id)) {
      if (exists(id)) {
        delete(layout.layer(id), staging.path().resolve("removed"));
      }
      Files.deleteIfExists(layout.table(id));
    } catch (IOException e) {
      throw VfsFailures.of(id, "cannot remove the layer", e);
    }
  }

  /** Renames a layer away, so that it is gone at once, and deletes it; or puts it back. */
  private void delete(Path layer, Path trash) throws IOException {
    if (!volume.traits().setsOwners()) {
      // To be moved, a directory has to be writable.
      volume.setMode(layer, 0700);
    }
    Files.move(layer, trash, StandardCopyOption.ATOMIC_MOVE);
    try {
      Staging.delete(trash);
    } catch (IOException e) {
      // Something is mounted in it, perhaps: then it stays a layer, to be removed later.
      Files.move(trash, layer, StandardCopyOption.ATOMIC_MOVE);
      throw e;
    }
  }

  @Override
  public boolean exists(String id) {
    DriverIds.requireValid(id);
    return Files.isDirectory(layout.layer(id), LinkOption.NOFOLLOW_LINKS);
  }

  @Override
  public List<String> ids() throws LayerStoreException {
    if (!Files.isDirectory(layout.layers(), LinkOption.NOFOLLOW_LINKS)) {
      return List.of();
    }
    List<String> ids = new ArrayList<>();
    try {
      for (String id : namesOfIds(layout.layers())) {
        if (exists(id)) {
          ids.add(id);
        }
      }
    } catch (IOException e) {
      throw VfsFailures.of(null, "cannot list the layers", e);
    }
    ids.sort(null);
    return ids;
  }

  // Mounts

  @Override
  public Path mount(String id, MountOptions options) throws LayerStoreException {
    requireExists(id);
    requireNoLabel(id, options.mountLabel());
    mounts.increment(id);
    return layout.layer(id);
  }

  @Override
  public void unmount(String id) throws LayerStoreException {
    DriverIds.requireValid(id);
    mounts.decrement(id);
  }

  @Override
  public Map<String, String> metadata(String id) throws LayerStoreException {
    requireExists(id);
    return Map.of("SourceDir", layout.layer(id).toString());
  }

  // Trees

  @Override
  public TreeWriter openWriter(String id, @Nullable String parent, WriteContext writeContext)
      throws LayerStoreException {
    requireIds(id, parent);
    requireWritable();
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
    Staging staging = newStaging(layer.id());
    AttributeLog log = null;
    try {
      log = new AttributeLog(staging.path(), layer.openTable());
      return new VfsTreeWriter(
          layer,
          writeContext,
          staging,
          log,
          new VfsTreeWriter.Publication() {
            @Override
            public void publish(AttributeLog records) throws IOException {
              VfsDriver.this.publish(layer, staging, records);
            }

            @Override
            public void ended() {
              writers.remove(layer.id());
            }
          });
    } catch (IOException | RuntimeException e) {
      try {
        Closing.all(log, staging);
      } catch (IOException closing) {
        e.addSuppressed(closing);
      }
      throw e;
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

  // The rest

  /**
   * {@inheritDoc}
   *
   * <p>Does so for {@link Durability#FULL} only; every file of the layer is opened for it, those
   * copied from the parent included.
   */
  @Override
  public void sync(String id) throws LayerStoreException {
    LayerFiles layer = layer(id);
    if (!isDurable()) {
      return;
    }
    try {
      LayerSync.run(layer);
      AtomicFiles.syncDirectory(layout.layers());
      AtomicFiles.syncDirectory(layout.home());
    } catch (IOException e) {
      throw VfsFailures.of(id, "cannot force the layer to the disk", e);
    }
  }

  /** Deletes records whose layer is gone. */
  @Override
  public void cleanup() throws LayerStoreException {
    requireWritable();
    try {
      for (String id : namesOfIds(layout.tables())) {
        if (!exists(id)) {
          Files.deleteIfExists(layout.table(id));
        }
      }
    } catch (IOException e) {
      throw VfsFailures.of(null, "cannot clean up", e);
    }
  }

  /** The names in {@code directory} that can be those of layers. */
  private static List<String> namesOfIds(Path directory) throws IOException {
    List<String> names = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        String name = String.valueOf(entry.getFileName());
        if (DriverIds.isValid(name)) {
          names.add(name);
        }
      }
    } catch (DirectoryIteratorException e) {
      throw new IOException("cannot list " + directory, e);
    }
    return names;
  }

  /** Forgets the mounts; there is nothing to undo. */
  @Override
  public void close() {
    mounts.mounted().forEach(mounts::forget);
  }

  private Staging newStaging(String id) throws IOException {
    Path path = layout.staging().resolve(id + "." + stagings.incrementAndGet());
    return Staging.create(path, volume);
  }

  private LayerFiles layer(String id) throws DriverException {
    requireExists(id);
    return new LayerFiles(id, layout.layer(id), layout.table(id), volume);
  }

  private boolean isDurable() {
    return context.durability() == Durability.FULL;
  }

  private static void requireIds(String id, @Nullable String parent) {
    DriverIds.requireValid(id);
    if (parent != null) {
      DriverIds.requireValid(parent);
    }
  }

  private void requireExists(String id) throws DriverException {
    if (!exists(id)) {
      throw failure(id, "does not exist");
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
      throw failure(
          id, "cannot give files the label \"" + label + "\"; use the overlay2 driver for that");
    }
  }

  private static DriverException failure(String id, String problem) {
    return new DriverException(VfsDriverProvider.NAME, id, problem, null);
  }
}
