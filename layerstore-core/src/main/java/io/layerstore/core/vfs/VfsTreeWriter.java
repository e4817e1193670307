package io.layerstore.core.vfs;

import io.layerstore.ArchiveException;
import io.layerstore.BreakoutException;
import io.layerstore.ByteString;
import io.layerstore.DriverException;
import io.layerstore.DuplicateEntryException;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.MalformedArchiveException;
import io.layerstore.OperationInterruptedException;
import io.layerstore.driver.PathSet;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.FileContent;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.TreeWriter;
import io.layerstore.spi.WriteContext;
import io.layerstore.spi.Xattr;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Unpacks one archive into a layer's directory.
 *
 * <p>Everything new is made in the staging directory, with all its attributes, and then moved to
 * its place in a directory that was opened step by step from the layer's root. What the file system
 * cannot keep goes into records, which become the layer's table when the writer finishes.
 */
final class VfsTreeWriter implements TreeWriter {

  /** Labels and signatures of the system that runs the container, which no image has to give. */
  private static final Set<ByteString> DROPPED_XATTRS =
      Set.of(
          ByteString.utf8("security.selinux"),
          ByteString.utf8("security.ima"),
          ByteString.utf8("security.evm"),
          ByteString.utf8("system.nfs4_acl"));

  private static final int IMPLIED_MODE = 0755;

  /** What is to be done when the writer is done. */
  interface Publication {

    /** Makes the records those of the layer. */
    void publish(AttributeLog log) throws IOException;

    /** Told once, whatever became of the writer. */
    void ended();
  }

  private final LayerFiles layer;
  private final Volume volume;
  private final WriteContext context;
  private final Staging staging;
  private final AttributeLog log;
  private final LayerFiles.Records records;
  private final Publication publication;
  private final InRootWalker walker;
  private final DirectoryTimes directoryTimes;
  private final FileContentWriter contents;

  /** Directories below which everything is of this archive, because of an opaque mark. */
  private final PathSet opaque = new PathSet();

  private boolean isFinished;
  private boolean isClosed;

  VfsTreeWriter(
      LayerFiles layer,
      WriteContext context,
      Staging staging,
      AttributeLog log,
      Publication publication)
      throws IOException {
    this.layer = layer;
    this.volume = layer.volume();
    this.context = context;
    this.staging = staging;
    this.log = log;
    this.publication = publication;
    this.records = LayerFiles.Records.of(log, layer.rootInode());
    this.walker = new InRootWalker(layer.open(), new WriterGuide());
    this.directoryTimes = new DirectoryTimes(staging.path().resolve("times"));
    this.contents = new FileContentWriter(volume);
  }

  @Override
  public void write(TreeEntry entry, @Nullable FileContent content) throws IOException {
    if (isClosed || isFinished) {
      throw new IllegalStateException("the writer has ended");
    }
    if (Thread.currentThread().isInterrupted()) {
      throw new OperationInterruptedException("unpacking a layer", null);
    }
    LayerPath path = entry.path();
    if (path.isRoot() && entry.type() != EntryType.OPAQUE) {
      return;
    }
    try {
      switch (entry.type()) {
        case WHITEOUT -> whiteOut(path);
        case OPAQUE -> clear(path);
        default -> put(entry, content);
      }
    } catch (FileContentWriter.SourceException e) {
      throw e.getCause();
    } catch (CallbackException e) {
      throw e.getCause();
    } catch (IOException e) {
      throw VfsFailures.of(layer.id(), "cannot write /" + path, e);
    }
  }

  // Removing

  private void whiteOut(LayerPath path) throws IOException {
    TreePosition parent = require(walker.goTo(path.parent()));
    ByteString name = path.name();
    Look look = look(parent.directory(), name);
    if (look != null) {
      remove(parent.path().resolve(name), look);
    }
  }

  private void clear(LayerPath path) throws IOException {
    LayerPath real = require(walker.goTo(path)).path();
    if (isOpaque(real)) {
      return;
    }
    purge(real, true);
    opaque.add(real);
  }

  private boolean isOpaque(LayerPath real) {
    LayerPath ancestor = real;
    while (!opaque.contains(ancestor)) {
      if (ancestor.isRoot()) {
        return false;
      }
      ancestor = ancestor.parent();
    }
    return true;
  }

  /** Removes what is at {@code real}, with all below. The position is in its directory then. */
  private void remove(LayerPath real, Look look) throws IOException {
    if (look.isDirectory()) {
      purge(real, false);
      walker.forget(real);
      walker.position().goTo(real.parent());
      forgetRecords(walker.position().directory(), real);
      walker.position().directory().deleteDirectory(real.name());
    } else {
      removeFile(walker.position(), real, look);
    }
  }

  private void removeFile(TreePosition position, LayerPath real, Look look) throws IOException {
    ByteString name = real.name();
    if (look.isFile() && context.isWritten(real)) {
      handBack(position.directory(), real, look);
    } else if (look.isSymlink()) {
      tell(() -> context.redirecting(real));
      walker.forget(real);
      position.goTo(real.parent());
    }
    forgetRecords(position.directory(), real);
    position.directory().deleteFile(name);
  }

  /** Takes back what was recorded of an entry that is about to go. */
  private void forgetRecords(Directory directory, LayerPath real) throws IOException {
    if (log.isEmpty()) {
      return;
    }
    log.remove(AttributeKey.of(real));
    DiskEntry disk = volume.read(directory.path(real.name()), layer.id(), real);
    if (disk.names() == 1 && disk.inode() != 0) {
      log.remove(AttributeKey.of(disk.inode()));
    }
  }

  /** Gives the content of a file of this archive to those who want it exact. */
  private void handBack(Directory directory, LayerPath real, Look look) throws IOException {
    AttributeRecord record = log.find(AttributeKey.of(real));
    if (record != null && record.isPlaceholder()) {
      return;
    }
    Path file = directory.path(real.name());
    if (!volume.traits().setsOwners() && !Files.isReadable(file)) {
      volume.setMode(file, 0600);
    }
    try (InputStream content = Channels.newInputStream(directory.openFile(real.name()))) {
      tell(() -> context.destroying(real, look.sizeBytes(), content));
    }
  }

  /** A directory being emptied. */
  private static final class Purge {
    final LayerPath path;
    final List<ByteString> names;
    boolean isKept;

    Purge(LayerPath path, List<ByteString> names) {
      this.path = path;
      this.names = names;
    }
  }

  /**
   * Removes everything below {@code top}; if {@code keepsWritten}, but for what this archive has
   * written and the directories that is in.
   */
  private void purge(LayerPath top, boolean keepsWritten) throws IOException {
    TreePosition position = walker.position();
    List<Purge> stack = new ArrayList<>();
    stack.add(startPurge(position, top));
    while (true) {
      Purge purge = stack.get(stack.size() - 1);
      if (purge.names.isEmpty()) {
        stack.remove(stack.size() - 1);
        if (stack.isEmpty()) {
          return;
        }
        Purge parent = stack.get(stack.size() - 1);
        if (purge.isKept || (keepsWritten && context.isWritten(purge.path))) {
          parent.isKept = true;
        } else {
          walker.forget(purge.path);
          position.goTo(parent.path);
          forgetRecords(position.directory(), purge.path);
          position.directory().deleteDirectory(purge.path.name());
        }
        continue;
      }
      position.goTo(purge.path);
      LayerPath real = purge.path.resolve(purge.names.remove(purge.names.size() - 1));
      Look look = position.directory().look(real.name());
      if (look == null) {
        continue;
      }
      if (look.isDirectory()) {
        if (keepsWritten && opaque.contains(real)) {
          purge.isKept = true;
        } else {
          stack.add(startPurge(position, real));
        }
      } else if (keepsWritten && context.isWritten(real)) {
        purge.isKept = true;
      } else {
        removeFile(position, real, look);
      }
    }
  }

  private Purge startPurge(TreePosition position, LayerPath path) throws IOException {
    if (!path.isRoot()) {
      position.goTo(path.parent());
      makeAccessible(position.directory().path(path.name()));
    }
    position.goTo(path);
    return new Purge(path, position.directory().list());
  }

  /** The user may have taken permissions away that an ordinary user needs to empty a directory. */
  private void makeAccessible(Path directory) throws IOException {
    if (volume.traits().hasUnixView()
        && !volume.traits().setsOwners()
        && (volume.read(directory, layer.id(), "").mode() & 0700) != 0700) {
      volume.setMode(directory, 0700);
    }
  }

  // Adding

  /** An existing entry that a hard link is to name. */
  private record LinkTarget(LayerPath real, Path file, Look look, TrueEntry entry) {}

  private void put(TreeEntry entry, @Nullable FileContent content) throws IOException {
    LinkTarget target = entry.linkTarget() == null ? null : findTarget(entry);
    TreePosition parent = require(walker.goTo(entry.path().parent()));
    ByteString name = entry.path().name();
    LayerPath real = parent.path().resolve(name);
    Look existing = look(parent.directory(), name);
    if (existing != null) {
      if (existing.isDirectory() && entry.type() == EntryType.DIRECTORY) {
        merge(parent.directory(), real, entry);
        noteLink(entry, real);
        return;
      }
      if (target != null && target.real.equals(real)) {
        throw malformed("hard link /" + entry.path() + " to itself");
      }
      remove(real, existing);
    }
    ByteString staged = staging.newName();
    Path file = staging.directory().path(staged);
    TrueEntry made = target == null ? make(file, entry, content) : link(file, entry, target);
    walker.position().goTo(real.parent());
    staging.directory().move(staged, walker.position().directory(), name);
    record(real, made, target);
    if (entry.type() == EntryType.DIRECTORY) {
      directoryTimes.add(real, entry.attributes().modified(), entry.attributes().accessed());
    }
    noteLink(entry, real);
  }

  private void noteLink(TreeEntry entry, LayerPath real) throws IOException {
    if (!entry.path().equals(real)) {
      tell(() -> context.wroteThroughLink(entry.path(), real, entry.sizeBytes()));
    }
  }

  /** Makes the entry in the staging directory; the result says what it is, records needed. */
  private TrueEntry make(Path file, TreeEntry entry, @Nullable FileContent content)
      throws IOException {
    Attributes wanted = entry.attributes();
    EntryType type = entry.type();
    int mode = AttributeRecord.isPlaceholder(type) ? 0 : volume.modeOnDisk(type, wanted.mode());
    switch (type) {
      case DIRECTORY -> Files.createDirectory(file, volume.creation(mode | 0700));
      case FILE ->
          contents.write(file, mode, entry.sizeBytes(), Objects.requireNonNull(content, "content"));
      case SYMLINK ->
          Files.createSymbolicLink(
              file,
              volume.names().toLinkTarget(Objects.requireNonNull(entry.linkText(), "linkText")));
      default -> Files.createFile(file, volume.creation(0600));
    }
    volume.setOwner(file, layer.id(), entry.path(), wanted.uid(), wanted.gid());
    List<Xattr> recorded = volume.setXattrs(file, type, kept(entry));
    volume.setTimes(file, wanted.modified(), wanted.accessed());
    boolean isCreatedSo = type == EntryType.FILE && volume.getsModeAtCreation(mode);
    if (type != EntryType.SYMLINK && !isCreatedSo) {
      volume.setMode(file, mode);
    }
    return truth(type, entry.device(), wanted, entry.linkText(), entry.sizeBytes(), recorded);
  }

  private static TrueEntry truth(
      EntryType type,
      @Nullable Device device,
      Attributes wanted,
      @Nullable ByteString linkText,
      long sizeBytes,
      List<Xattr> recorded) {
    int mode = type == EntryType.SYMLINK ? 0777 : wanted.mode();
    return new TrueEntry(
        type,
        device,
        sizeBytes,
        wanted.withMode(mode).withXattrs(List.of()),
        linkText,
        List.of(),
        recorded);
  }

  /** The extended attributes to keep: not those that are the business of the host. */
  private List<Xattr> kept(TreeEntry entry) {
    List<Xattr> all = entry.attributes().xattrs();
    if (all.stream().noneMatch(xattr -> DROPPED_XATTRS.contains(xattr.name()))) {
      return all;
    }
    List<Xattr> kept = new ArrayList<>();
    for (Xattr xattr : all) {
      if (DROPPED_XATTRS.contains(xattr.name())) {
        context.warn(entry.path(), "extended attribute " + xattr.name() + " is left to the host");
      } else {
        kept.add(xattr);
      }
    }
    return kept;
  }

  /** Gives a directory that exists the attributes of an entry. */
  private void merge(Directory parent, LayerPath real, TreeEntry entry) throws IOException {
    Path file = parent.path(real.name());
    Attributes wanted = entry.attributes();
    TrueEntry before = read(file, real);
    volume.replaceOwner(file, layer.id(), entry.path(), wanted.uid(), wanted.gid());
    List<Xattr> recorded =
        merged(before.recorded(), volume.setXattrs(file, EntryType.DIRECTORY, kept(entry)));
    volume.setTimes(file, wanted.modified(), wanted.accessed());
    volume.setMode(file, volume.modeOnDisk(EntryType.DIRECTORY, wanted.mode()));
    TrueEntry now = truth(EntryType.DIRECTORY, null, wanted, null, 0, recorded);
    record(real, now, null);
    directoryTimes.add(real, wanted.modified(), wanted.accessed());
  }

  private LinkTarget findTarget(TreeEntry entry) throws IOException {
    LayerPath path = Objects.requireNonNull(entry.linkTarget(), "linkTarget");
    if (path.isRoot()) {
      throw malformed("hard link /" + entry.path() + " to the root");
    }
    // Nothing is made on the way to a target: it is there already or the archive is wrong.
    TreePosition parent = walkWithoutMaking(path.parent());
    Look look = parent == null ? null : look(parent.directory(), path.name());
    if (parent == null || look == null) {
      throw malformed("hard link /" + entry.path() + " to /" + path + ", which does not exist");
    }
    if (look.isDirectory()) {
      throw malformed("hard link /" + entry.path() + " to the directory /" + path);
    }
    LayerPath real = parent.path().resolve(path.name());
    Path file = parent.directory().path(path.name());
    return new LinkTarget(real, file, look, read(file, real));
  }

  private boolean makesNoDirectories;

  private @Nullable TreePosition walkWithoutMaking(LayerPath path) throws IOException {
    makesNoDirectories = true;
    try {
      return walker.goTo(path);
    } finally {
      makesNoDirectories = false;
    }
  }

  /** Makes the hard link in the staging directory and gives the shared file its attributes. */
  private TrueEntry link(Path file, TreeEntry entry, LinkTarget target) throws IOException {
    Attributes wanted = entry.attributes();
    TrueEntry before = target.entry;
    boolean isSymlink = before.type() == EntryType.SYMLINK;
    try {
      if (isSymlink && !volume.traits().linksSymlinks()) {
        Files.createSymbolicLink(file, Files.readSymbolicLink(target.file));
      } else {
        Files.createLink(file, target.file);
        requireLinkTo(file, entry, target);
      }
    } catch (java.nio.file.NoSuchFileException e) {
      throw malformed(
          "hard link /" + entry.path() + " to /" + entry.linkTarget() + ", which it replaces");
    }
    if (target.look.kind() == Look.Kind.OTHER) {
      // Opening a FIFO to set its attributes would wait for somebody to open the other end.
      context.warn(entry.path(), "a hard link does not change the attributes of a special file");
      return before;
    }
    boolean isPlaceholder = AttributeRecord.isPlaceholder(before.type());
    int mode = isPlaceholder ? 0 : volume.modeOnDisk(EntryType.FILE, wanted.mode());
    if (!volume.traits().setsOwners() && !isSymlink) {
      // Times and extended attributes take an open file.
      volume.setMode(file, mode | 0600);
    }
    volume.replaceOwner(file, layer.id(), entry.path(), wanted.uid(), wanted.gid());
    List<Xattr> recorded =
        merged(before.recorded(), volume.setXattrs(file, before.type(), kept(entry)));
    volume.setTimes(file, wanted.modified(), wanted.accessed());
    if (!isSymlink) {
      volume.setMode(file, mode);
    }
    return truth(
        before.type(), before.device(), wanted, before.linkText(), before.sizeBytes(), recorded);
  }

  /**
   * A link is made by path, so whoever exchanges a directory on the way meanwhile is found here.
   */
  private void requireLinkTo(Path file, TreeEntry entry, LinkTarget target) throws IOException {
    Look made = Objects.requireNonNull(staging.directory().look(volume.names().fromPath(file)));
    if (!made.isSameFileAs(target.look)) {
      Files.delete(file);
      throw new BreakoutException(
          ArchiveException.NO_ENTRY,
          "",
          "hard link /" + entry.path() + ": somebody changes the layer while it is written");
    }
  }

  private static List<Xattr> merged(List<Xattr> before, List<Xattr> added) {
    if (before.isEmpty()) {
      return added;
    }
    List<Xattr> all = new ArrayList<>(added);
    for (Xattr xattr : before) {
      if (added.stream().noneMatch(other -> other.name().equals(xattr.name()))) {
        all.add(xattr);
      }
    }
    return all;
  }

  private TrueEntry read(Path file, LayerPath real) throws IOException {
    DiskEntry disk = volume.read(file, layer.id(), real);
    TrueEntry entry = layer.read(file, real, disk, records);
    if (entry == null) {
      throw new DriverException(
          VfsDriverProvider.NAME, layer.id(), "/" + real + " is a socket", null);
    }
    return entry;
  }

  /** Notes what the disk does not keep, or that it keeps everything this time. */
  private void record(LayerPath real, TrueEntry made, @Nullable LinkTarget target)
      throws IOException {
    Path file = walker.position().directory().path(real.name());
    DiskEntry shown = volume.read(file, layer.id(), real);
    ByteString text =
        made.linkText() == null
            ? null
            : volume.names().fromLinkTarget(Files.readSymbolicLink(file));
    AttributeRecord record = made.recordFor(shown, text);
    put(AttributeKey.of(real), record);
    if (target != null) {
      put(AttributeKey.of(target.real), record);
    }
    if (shown.inode() != 0) {
      put(AttributeKey.of(shown.inode()), record);
    }
  }

  private void put(ByteString key, @Nullable AttributeRecord record) throws IOException {
    if (record == null) {
      log.remove(key);
    } else {
      log.put(key, record);
    }
  }

  // Ways

  /** Looks at {@code name}, and refuses it if the file system has it under another one. */
  private @Nullable Look look(Directory directory, ByteString name) throws IOException {
    Look look = directory.look(name);
    if (look != null) {
      requireExactName(directory, name, look);
    }
    return look;
  }

  private void requireExactName(Directory directory, ByteString name, Look look)
      throws IOException {
    if (!volume.traits().foldsNames()) {
      return;
    }
    ByteString other = null;
    for (ByteString present : directory.list()) {
      if (present.equals(name)) {
        return;
      }
      Look presentLook = directory.look(present);
      if (presentLook != null && presentLook.isSameFileAs(look)) {
        other = present;
      }
    }
    throw new DuplicateEntryException(
        ArchiveException.NO_ENTRY,
        "",
        "the file system takes the names \"%s\" and \"%s\" for one"
            .formatted(name, other == null ? "another" : other));
  }

  private static TreePosition require(@Nullable TreePosition position) {
    return Objects.requireNonNull(position, "missing directories are made");
  }

  private static MalformedArchiveException malformed(String problem) {
    return new MalformedArchiveException(ArchiveException.NO_ENTRY, "", problem);
  }

  private final class WriterGuide implements InRootWalker.Guide {

    @Override
    public boolean makeDirectory(TreePosition position, ByteString name) throws IOException {
      if (makesNoDirectories) {
        return false;
      }
      LayerPath real = position.path().resolve(name);
      ByteString staged = staging.newName();
      Path file = staging.directory().path(staged);
      Files.createDirectory(file, volume.creation(IMPLIED_MODE));
      volume.setOwner(file, layer.id(), real, 0, 0);
      volume.setMode(file, volume.modeOnDisk(EntryType.DIRECTORY, IMPLIED_MODE));
      staging.directory().move(staged, position.directory(), name);
      log.remove(AttributeKey.of(real));
      return true;
    }

    @Override
    public void found(Directory directory, ByteString name, Look look) throws IOException {
      requireExactName(directory, name, look);
    }

    @Override
    public LayerStoreException breakout(LayerPath path) {
      return new BreakoutException(
          ArchiveException.NO_ENTRY,
          "",
          "the way to /" + path + " leads through a symbolic link above the root of the layer");
    }

    @Override
    public LayerStoreException noWay(LayerPath path, String problem) {
      return malformed("there is no way to /" + path + ": " + problem);
    }
  }

  // Callbacks

  @FunctionalInterface
  private interface Callback {
    void run() throws IOException;
  }

  /** What a callback threw, on its way to the caller as it was. */
  private static final class CallbackException extends IOException {
    private static final long serialVersionUID = 1L;

    CallbackException(IOException cause) {
      super(cause);
    }

    @Override
    public synchronized IOException getCause() {
      return (IOException) Objects.requireNonNull(super.getCause());
    }
  }

  private static void tell(Callback callback) throws CallbackException {
    try {
      callback.run();
    } catch (IOException e) {
      throw new CallbackException(e);
    }
  }

  // The end

  @Override
  public long finish(long archiveBytes) throws LayerStoreException {
    if (isClosed || isFinished) {
      throw new IllegalStateException("the writer has ended");
    }
    try {
      directoryTimes.forEach(this::setDirectoryTime);
      publication.publish(log);
    } catch (IOException e) {
      throw VfsFailures.of(layer.id(), "cannot complete the layer", e);
    }
    isFinished = true;
    close();
    return archiveBytes;
  }

  private void setDirectoryTime(LayerPath real, Instant modified, Instant accessed)
      throws IOException {
    TreePosition position = walker.position();
    try {
      position.goTo(real.parent());
    } catch (java.nio.file.NoSuchFileException | java.nio.file.NotDirectoryException e) {
      return;
    }
    Look look = position.directory().look(real.name());
    if (look == null || !look.isDirectory()) {
      return;
    }
    Path file = position.directory().path(real.name());
    volume.setTimes(file, modified, accessed);
    if (!volume.traits().keepsDirectoryTimes()) {
      TrueEntry before = read(file, real);
      TrueEntry now =
          truth(
              EntryType.DIRECTORY,
              null,
              before.attributes().withTimes(modified, accessed),
              null,
              0,
              before.recorded());
      record(real, now, null);
    }
  }

  @Override
  public void close() throws LayerStoreException {
    if (isClosed) {
      return;
    }
    isClosed = true;
    try {
      Closing.all(walker, directoryTimes, log, staging);
    } catch (IOException e) {
      throw VfsFailures.of(layer.id(), "cannot clean up after writing", e);
    } finally {
      publication.ended();
    }
  }
}
