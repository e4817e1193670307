package io.layerstore.core.layerdb;

import io.layerstore.ByteString;
import io.layerstore.ChainId;
import io.layerstore.Durability;
import io.layerstore.LayerNotFoundException;
import io.layerstore.LayerStoreException;
import io.layerstore.NameConflictException;
import io.layerstore.RWLayerNotFoundException;
import io.layerstore.ReadOnlyStoreException;
import io.layerstore.RecoveryReport;
import io.layerstore.RecoveryReport.Finding;
import io.layerstore.RecoveryReport.Kind;
import io.layerstore.StoreCorruptedException;
import io.layerstore.driver.DamagedFiles;
import io.layerstore.driver.FileFailures;
import io.layerstore.driver.FileStamp;
import io.layerstore.driver.TreeDeleter;
import io.layerstore.spi.DriverIds;
import io.layerstore.spi.LayerRecord;
import io.layerstore.spi.MetadataStore;
import io.layerstore.spi.MetadataTransaction;
import io.layerstore.spi.RWLayerRecord;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file metadata store, in the bytes of Docker's {@code layerdb}: dockerd reads what this
 * writes, and the reverse.
 *
 * <p>Opened by the layer store, which holds the lock on the root, and closed by it; needs no
 * closing itself. Whatever becomes visible or hidden does so by renaming one directory; before, its
 * files are on disk, and after, its new name is. Docker forces less to the disk: a directory's
 * names never, a read-write layer's files never. A call that fails leaves what is visible as it
 * was.
 *
 * <p>Safe for use by many threads, if no two change the same layer or read-write layer at once. An
 * interrupt does not cut a call off.
 *
 * <p>Opened for reading only, it writes nothing, finds nothing strange about missing directories,
 * and copes with layers that go while it reads: a daemon may be using the root. Works on any file
 * system; permissions are set where there are any.
 *
 * <p>Mirrors {@code layer.fileMetadataStore} of moby; {@link LayerDbLayout} has the format.
 */
public final class FileMetadataStore implements MetadataStore {

  private static final Logger log = LoggerFactory.getLogger(FileMetadataStore.class);

  private final LayerDbLayout layout;
  private final LayerDbFiles files;
  private final TmpDirectory tmp;
  private final RecordReader reader;
  private final LeftoverScanner scanner;
  private final boolean readOnly;

  /** The names of begun read-write layers, by the name of their directory in {@code tmp}. */
  private final Map<String, String> begunMounts = new ConcurrentHashMap<>();

  /** Whether something else than a directory was in the place of the database at opening. */
  private boolean wasObstructed;

  private volatile boolean isClosed;

  private FileMetadataStore(
      Path directory, Durability durability, boolean readOnly, Ownership ownership) {
    this.layout = new LayerDbLayout(directory);
    this.files = new LayerDbFiles(durability);
    this.tmp = new TmpDirectory(layout, files, ownership);
    this.reader = new RecordReader(layout);
    this.scanner = new LeftoverScanner(layout, reader, tmp::isInHand);
    this.readOnly = readOnly;
  }

  /**
   * Opens the layer database in {@code directory}; a {@link
   * io.layerstore.spi.MetadataStoreFactory}.
   *
   * <p>For writing it is created with mode 0700 if it is missing, like the directories above it.
   * Nothing is repaired or removed.
   *
   * @param directory such as {@code <root>/image/overlay2/layerdb}
   * @throws LayerStoreException if it cannot be created
   */
  public static FileMetadataStore open(Path directory, Durability durability, boolean readOnly)
      throws LayerStoreException {
    return open(directory, durability, readOnly, Ownership.ALONE);
  }

  /**
   * Opens the layer database like {@link #open(Path, Durability, boolean)}, beside others.
   *
   * @param ownership what they have in hand
   */
  public static FileMetadataStore open(
      Path directory, Durability durability, boolean readOnly, Ownership ownership)
      throws LayerStoreException {
    FileMetadataStore store = new FileMetadataStore(directory, durability, readOnly, ownership);
    if (!readOnly) {
      try {
        store.wasObstructed = DamagedFiles.isObstructed(directory);
        store.files.ensureDirectory(directory, LayerDbLayout.DATABASE_MODE);
      } catch (IOException e) {
        throw FileFailures.wrap("create the layer database " + directory, e);
      }
    }
    return store;
  }

  @Override
  public MetadataTransaction begin(String cacheId) throws LayerStoreException {
    requireWritable();
    DriverIds.requireValid(cacheId);
    try {
      return new LayerDbTransaction(layout, files, tmp, reader, tmp.makeWriteSet(cacheId), cacheId);
    } catch (IOException e) {
      throw FileFailures.wrap("begin a layer", e);
    }
  }

  @Override
  public List<ChainId> layers() throws LayerStoreException {
    requireOpen();
    try {
      // Of whatever type: a file in the place of a layer is a damaged layer.
      return LayerDbFiles.names(layout.layers(), name -> true).stream()
          .map(LayerDbLayout::parseLayerName)
          .flatMap(Optional::stream)
          .toList();
    } catch (IOException e) {
      throw FileFailures.wrap("list the layers", e);
    }
  }

  @Override
  public LayerRecord layer(ChainId chainId) throws LayerStoreException {
    requireOpen();
    try {
      return reader.layer(chainId);
    } catch (IOException e) {
      throw FileFailures.wrap("read layer " + chainId, e);
    }
  }

  @Override
  public Map<ChainId, LayerRecord> intactLayers(List<ChainId> all) {
    requireOpen();
    return AllLayers.read(layout, all, !readOnly);
  }

  /** A healed layer is renamed into no other place, but its new files were made in {@code tmp}. */
  @Override
  public OptionalLong state() throws LayerStoreException {
    requireOpen();
    FileStamp stamp = new FileStamp();
    for (Path directory :
        List.of(layout.directory(), layout.layers(), layout.mounts(), layout.tmp())) {
      try {
        stamp.add(directory);
      } catch (NoSuchFileException e) {
        log.trace("{} is not there; the directory above changes when it comes", directory);
      } catch (IOException e) {
        throw FileFailures.wrap("look at the layer database " + layout.directory(), e);
      }
    }
    return stamp.settled();
  }

  @Override
  public String cacheId(ChainId chainId) throws LayerStoreException {
    requireOpen();
    try {
      return reader.cacheId(chainId);
    } catch (IOException e) {
      throw FileFailures.wrap("read layer " + chainId, e);
    }
  }

  @Override
  public InputStream tarSplit(ChainId chainId) throws LayerStoreException {
    requireOpen();
    Path directory = layout.layer(chainId);
    Path file = directory.resolve(LayerDbLayout.TAR_SPLIT);
    try {
      if (!LayerDbFiles.exists(directory)) {
        throw new LayerNotFoundException(chainId.toString());
      }
      if (!Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
          .isRegularFile()) {
        throw new StoreCorruptedException(file.toString(), "not a regular file");
      }
      return Files.newInputStream(file, LinkOption.NOFOLLOW_LINKS);
    } catch (NoSuchFileException e) {
      throw new StoreCorruptedException(file.toString(), "it is missing", e);
    } catch (IOException e) {
      throw FileFailures.wrap("read the tar-split of layer " + chainId, e);
    }
  }

  @Override
  public Leftover beginRemoval(ChainId chainId) throws LayerStoreException {
    requireWritable();
    Path directory = layout.layer(chainId);
    try {
      if (!LayerDbFiles.exists(directory)) {
        throw new LayerNotFoundException(chainId.toString());
      }
      @Nullable String cacheId = reader.cacheIdOrNull(directory);
      while (true) {
        String name = LayerDbLayout.newRemovingName(chainId);
        try {
          files.rename(directory, layout.layers().resolve(name));
          return new Leftover(name, chainId, cacheId);
        } catch (FileAlreadyExistsException e) {
          log.debug("{} is taken; another draw", name);
        }
      }
    } catch (IOException e) {
      throw FileFailures.wrap("begin the removal of layer " + chainId, e);
    }
  }

  @Override
  public List<Leftover> unfinishedRemovals() throws LayerStoreException {
    requireOpen();
    try {
      return scanner.removals();
    } catch (IOException e) {
      throw FileFailures.wrap("list unfinished removals", e);
    }
  }

  @Override
  public List<Leftover> unfinishedTransactions() throws LayerStoreException {
    requireOpen();
    try {
      return scanner.transactions();
    } catch (IOException e) {
      throw FileFailures.wrap("list unfinished layers", e);
    }
  }

  @Override
  public void discard(Leftover leftover) throws LayerStoreException {
    requireWritable();
    String name = leftover.key();
    boolean isWriteSet = LayerDbLayout.isWriteSet(name);
    if (!isWriteSet && LayerDbLayout.parseRemovingName(name).isEmpty()) {
      throw new IllegalArgumentException("not a leftover: \"" + name + "\"");
    }
    Path directory = (isWriteSet ? layout.tmp() : layout.layers()).resolve(name);
    try {
      LayerDbFiles.deleteKeeping(LayerDbLayout.CACHE_ID, directory);
    } catch (IOException e) {
      throw FileFailures.wrap("remove " + directory, e);
    } finally {
      tmp.letGo(directory);
    }
  }

  @Override
  public void postpone(Leftover leftover) {
    tmp.letGo(layout.tmp().resolve(leftover.key()));
  }

  @Override
  public @Nullable ChainId parentOf(ChainId chainId) throws LayerStoreException {
    requireOpen();
    try {
      return reader.parentOrNull(layout.layer(chainId));
    } catch (IOException e) {
      throw FileFailures.wrap("read the parent of layer " + chainId, e);
    }
  }

  @Override
  public List<String> rwLayers() throws LayerStoreException {
    requireOpen();
    try {
      return LayerDbFiles.names(layout.mounts(), RWLayerRecord::isValidName);
    } catch (IOException e) {
      throw FileFailures.wrap("list the read-write layers", e);
    }
  }

  @Override
  public RWLayerRecord rwLayer(String name) throws LayerStoreException {
    requireOpen();
    try {
      return reader.mount(name);
    } catch (IOException e) {
      throw FileFailures.wrap("read read-write layer " + name, e);
    }
  }

  @Override
  public @Nullable ChainId parentOfRWLayer(String name) throws LayerStoreException {
    requireOpen();
    try {
      return reader.parentOrNull(layout.mount(name));
    } catch (IOException e) {
      throw FileFailures.wrap("read the parent of read-write layer " + name, e);
    }
  }

  @Override
  public UnfinishedRWLayer beginRWLayer(RWLayerRecord mount) throws LayerStoreException {
    requireWritable();
    List<String> driverIds = new ArrayList<>();
    driverIds.add(mount.mountId());
    if (mount.initId() != null) {
      driverIds.add(mount.initId());
    }
    try {
      Path directory =
          tmp.make(
              LayerDbLayout.MOUNT_SET,
              LayerDbLayout.SHARED_MODE,
              target -> writeMount(target, mount));
      begunMounts.put(nameOf(directory), mount.name());
      return new UnfinishedRWLayer(nameOf(directory), List.copyOf(driverIds));
    } catch (IOException e) {
      throw FileFailures.wrap("begin read-write layer " + mount.name(), e);
    }
  }

  private void writeMount(Path directory, RWLayerRecord mount) throws IOException {
    files.writeValue(directory.resolve(LayerDbLayout.MOUNT_ID), mount.mountId());
    if (mount.initId() != null) {
      files.writeValue(directory.resolve(LayerDbLayout.INIT_ID), mount.initId());
    }
    if (mount.parent() != null) {
      files.writeValue(directory.resolve(LayerDbLayout.PARENT), mount.parent().toString());
    }
  }

  @Override
  public void commitRWLayer(UnfinishedRWLayer mount) throws LayerStoreException {
    requireWritable();
    @Nullable String name = begunMounts.get(mount.key());
    if (name == null) {
      throw new IllegalArgumentException("nothing was begun as \"" + mount.key() + "\"");
    }
    try {
      files.ensureDirectory(layout.mounts(), LayerDbLayout.SHARED_MODE);
      files.rename(layout.tmp().resolve(mount.key()), layout.mount(name));
    } catch (FileAlreadyExistsException e) {
      throw NameConflictException.ofRWLayer(name);
    } catch (IOException e) {
      throw FileFailures.wrap("commit read-write layer " + name, e);
    }
    letGo(mount.key());
  }

  @Override
  public void discardRWLayer(UnfinishedRWLayer mount) throws LayerStoreException {
    requireWritable();
    if (!LayerDbLayout.isMountLeftover(mount.key())) {
      throw new IllegalArgumentException("not a leftover: \"" + mount.key() + "\"");
    }
    Path directory = layout.tmp().resolve(mount.key());
    try {
      TreeDeleter.delete(directory);
    } catch (IOException e) {
      throw FileFailures.wrap("remove " + directory, e);
    } finally {
      // Also after a failure: it cannot be brought back then, and is left to the next cleanup.
      letGo(mount.key());
    }
  }

  @Override
  public void postponeRWLayer(UnfinishedRWLayer mount) {
    letGo(mount.key());
  }

  private void letGo(String mountKey) {
    begunMounts.remove(mountKey);
    tmp.letGo(layout.tmp().resolve(mountKey));
  }

  @Override
  public List<UnfinishedRWLayer> unfinishedRWLayers() throws LayerStoreException {
    requireOpen();
    try {
      return scanner.mounts();
    } catch (IOException e) {
      throw FileFailures.wrap("list unfinished read-write layers", e);
    }
  }

  @Override
  public UnfinishedRWLayer beginRWLayerRemoval(String name) throws LayerStoreException {
    requireWritable();
    Path directory = layout.mount(name);
    try {
      if (!LayerDbFiles.exists(directory)) {
        throw new RWLayerNotFoundException(name);
      }
      List<String> driverIds = reader.mountIds(directory);
      String key = nameOf(tmp.moveHere(LayerDbLayout.MOUNT_REMOVING, directory));
      begunMounts.put(key, name);
      return new UnfinishedRWLayer(key, driverIds);
    } catch (IOException e) {
      throw FileFailures.wrap("begin the removal of read-write layer " + name, e);
    }
  }

  /**
   * Directories among the read-write layers that no name of a read-write layer can mean, and what
   * is in the place of the directories that everything is in. Reported, and left alone.
   */
  @Override
  public RecoveryReport recoveryReport() throws LayerStoreException {
    requireOpen();
    List<Finding> findings = new ArrayList<>();
    if (wasObstructed) {
      findings.add(
          new Finding(
              Kind.DAMAGED_LAYER,
              layout.directory().toString(),
              "it was not a directory, and was moved aside"));
    }
    addObstruction(findings, Kind.DAMAGED_LAYER, layout.directory());
    addObstruction(findings, Kind.DAMAGED_LAYER, layout.layers());
    addObstruction(findings, Kind.DAMAGED_RW_LAYER, layout.mounts());
    addObstruction(findings, Kind.POSTPONED, layout.tmp());
    try {
      for (String name :
          DamagedFiles.isObstructed(layout.mounts())
              ? List.<String>of()
              : LayerDbFiles.directories(
                  layout.mounts(), name -> !RWLayerRecord.isValidName(name))) {
        findings.add(
            new Finding(
                Kind.DAMAGED_RW_LAYER,
                ByteString.utf8(name).toString(),
                "its directory's name is not one of a read-write layer; left alone"));
      }
    } catch (IOException e) {
      throw FileFailures.wrap("list the read-write layers", e);
    }
    return new RecoveryReport(findings);
  }

  private static void addObstruction(List<Finding> findings, Kind kind, Path directory) {
    if (DamagedFiles.isObstructed(directory)) {
      findings.add(
          new Finding(
              kind,
              directory.toString(),
              "it is not a directory, so nothing in it can be found; it is moved aside when the"
                  + " directory is needed"));
    }
  }

  @Override
  public void close() {
    isClosed = true;
  }

  private static String nameOf(Path path) {
    return String.valueOf(path.getFileName());
  }

  private void requireWritable() throws ReadOnlyStoreException {
    requireOpen();
    if (readOnly) {
      throw new ReadOnlyStoreException(layout.directory());
    }
  }

  private void requireOpen() {
    if (isClosed) {
      throw new IllegalStateException("the metadata store is closed");
    }
  }
}
