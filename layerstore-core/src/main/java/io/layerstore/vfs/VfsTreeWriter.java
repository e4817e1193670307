package io.layerstore.vfs;

import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.LayerStoreException;
import io.layerstore.OperationInterruptedException;
import io.layerstore.driver.Closing;
import io.layerstore.driver.rooted.Directory;
import io.layerstore.driver.rooted.Look;
import io.layerstore.driver.rooted.TreePosition;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.FileContent;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.TreeWriter;
import io.layerstore.spi.WriteContext;
import io.layerstore.vfs.record.AttributeLog;
import io.layerstore.vfs.record.TrueEntry;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Unpacks one archive into a layer's directory.
 *
 * <p>Everything new is made in the staging directory, with all its attributes, and then moved to
 * its place in a directory that was opened step by step from the layer's root. What the file system
 * cannot keep goes into records, which become the layer's table when the writer finishes.
 */
final class VfsTreeWriter implements TreeWriter {

  /** What is to be done when the writer is done. */
  interface Publication {

    /** Makes the records those of the layer. */
    void publish(AttributeLog log) throws IOException;

    /** Told once, whatever became of the writer. */
    void ended();
  }

  private final LayerFiles layer;
  private final ContextCalls context;
  private final Staging staging;
  private final AttributeLog log;
  private final Publication publication;
  private final LayerRecords records;
  private final EntryMaker maker;
  private final InRootWalker walker;
  private final EntryRemover remover;
  private final DirectoryChanger directories;
  private final DirectoryTimes directoryTimes;

  /** Whether the walk of this moment is to make missing directories. */
  private boolean makesDirectories;

  private boolean isEnded;

  /** Takes over {@code staging} and {@code log} and closes them in the end. */
  VfsTreeWriter(
      LayerFiles layer,
      WriteContext context,
      Staging staging,
      AttributeLog log,
      Seclusion seclusion,
      Publication publication)
      throws IOException {
    this.layer = layer;
    this.context = new ContextCalls(context);
    this.staging = staging;
    this.log = log;
    this.publication = publication;
    this.records = new LayerRecords(layer, log);
    this.maker = new EntryMaker(layer, this.context);
    this.walker = new InRootWalker(layer.open(), new WriterGuide());
    this.directories =
        new DirectoryChanger(layer, this.context, staging, records, maker, seclusion);
    this.remover = new EntryRemover(layer, walker, records, directories, seclusion, this.context);
    this.directoryTimes = new DirectoryTimes(staging.path().resolve("times"));
  }

  @Override
  public void write(TreeEntry entry, @Nullable FileContent content) throws IOException {
    requireOpen();
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
        case OPAQUE -> remover.clear(goTo(path).path());
        case HARD_LINK -> putLink(entry);
        default -> put(entry, content);
      }
    } catch (ContextCalls.CallerException e) {
      throw e.getCause();
    } catch (IOException e) {
      throw VfsFailures.of(layer.id(), "cannot write /" + path, e);
    }
  }

  private void requireOpen() {
    if (isEnded) {
      throw new IllegalStateException("the writer has ended");
    }
  }

  private void whiteOut(LayerPath path) throws IOException {
    TreePosition parent = goTo(path.parent());
    Look look = parent.directory().look(path.name());
    if (look != null) {
      remover.remove(parent.path().resolve(path.name()), look);
    }
  }

  private void put(TreeEntry entry, @Nullable FileContent content) throws IOException {
    TreePosition parent = goTo(entry.path().parent());
    LayerPath real = parent.path().resolve(entry.path().name());
    Look existing = parent.directory().look(real.name());
    boolean isDirectory = entry.type() == EntryType.DIRECTORY;
    if (existing != null && existing.isDirectory() && isDirectory) {
      directories.merge(parent.directory(), real, entry);
    } else {
      if (existing != null) {
        remover.remove(real, existing);
      }
      ByteString staged = staging.newName();
      Path file = staging.directory().path(staged);
      EntryMaker.Made made = maker.make(file, entry, content);
      if (made.isKept() && records.isEmpty()) {
        records.noteKept(real);
      } else {
        records.note(real, made.entry(), file);
      }
      moveIn(staged, real);
    }
    if (isDirectory) {
      directoryTimes.add(real, entry.attributes().modified(), entry.attributes().accessed());
    }
    noteLink(entry, real);
  }

  private void putLink(TreeEntry entry) throws IOException {
    EntryMaker.Target target = findTarget(entry);
    TreePosition parent = goTo(entry.path().parent());
    LayerPath real = parent.path().resolve(entry.path().name());
    Look existing = parent.directory().look(real.name());
    if (existing != null) {
      if (target.real().equals(real)) {
        throw new ArchiveException(Kind.MALFORMED, "hard link /" + entry.path() + " to itself");
      }
      remover.remove(real, existing);
    }
    ByteString staged = staging.newName();
    Path file = staging.directory().path(staged);
    walker.position().goTo(target.real().parent());
    boolean isLink = maker.link(file, entry, walker.position().directory(), target);
    if (isLink) {
      requireLinkTo(staged, entry, target);
    }
    TrueEntry shared = maker.giveToShared(file, entry, target);
    if (isLink) {
      records.note(real, shared, file);
      records.noteOtherName(target.real(), real);
    } else {
      // The other names stay on disk as they are; what is true of all is in the records.
      long group = shared.group() == 0 ? records.newGroup() : shared.group();
      records.note(real, shared.in(group), file);
      records.note(target.real(), shared.in(group), target.file());
    }
    moveIn(staged, real);
    noteLink(entry, real);
  }

  private EntryMaker.Target findTarget(TreeEntry entry) throws IOException {
    LayerPath path = Objects.requireNonNull(entry.linkTarget(), "linkTarget");
    if (path.isRoot()) {
      throw new ArchiveException(Kind.MALFORMED, "hard link /" + entry.path() + " to the root");
    }
    TreePosition parent = walker.goTo(path.parent());
    Look look = parent == null ? null : parent.directory().look(path.name());
    if (parent == null || look == null) {
      throw new ArchiveException(
          Kind.MALFORMED, "hard link /" + entry.path() + " to /" + path + ", which does not exist");
    }
    if (look.isDirectory()) {
      throw new ArchiveException(
          Kind.MALFORMED, "hard link /" + entry.path() + " to the directory /" + path);
    }
    LayerPath real = parent.path().resolve(path.name());
    Path file = parent.directory().path(path.name());
    return new EntryMaker.Target(real, file, look, records.read(file, real));
  }

  /**
   * A link is made by path, so whoever exchanges a directory on the way meanwhile is found here,
   * before the link gets into the layer.
   */
  private void requireLinkTo(ByteString staged, TreeEntry entry, EntryMaker.Target target)
      throws IOException {
    Look made = Objects.requireNonNull(staging.directory().look(staged), "just made");
    if (!made.isSameFileAs(target.look())) {
      throw new ArchiveException(
          Kind.BREAKOUT,
          "hard link /" + entry.path() + ": somebody changes the layer while it is written");
    }
  }

  private void moveIn(ByteString staged, LayerPath real) throws IOException {
    TreePosition position = walker.position();
    position.goTo(real.parent());
    staging.directory().move(staged, position.directory(), real.name());
  }

  private void noteLink(TreeEntry entry, LayerPath real) throws IOException {
    if (!entry.path().equals(real)) {
      context.wroteThroughLink(entry.path(), real, entry.sizeBytes());
    }
  }

  /** Goes to the directory {@code path}, which is made if it is missing. */
  private TreePosition goTo(LayerPath path) throws IOException {
    makesDirectories = true;
    try {
      return Objects.requireNonNull(walker.goTo(path), "missing directories are made");
    } finally {
      makesDirectories = false;
    }
  }

  private final class WriterGuide implements InRootWalker.Guide {

    @Override
    public boolean makeDirectory(TreePosition position, ByteString name) throws IOException {
      if (!makesDirectories) {
        return false;
      }
      LayerPath real = position.path().resolve(name);
      ByteString staged = staging.newName();
      maker.makeImpliedDirectory(staging.directory().path(staged), real);
      records.noteKept(real);
      staging.directory().move(staged, position.directory(), name);
      return true;
    }

    @Override
    public @Nullable ByteString linkText(Directory directory, LayerPath path, Look look)
        throws IOException {
      return records.linkText(directory, path, look);
    }

    @Override
    public LayerStoreException breakout(LayerPath path) {
      return new ArchiveException(
          Kind.BREAKOUT,
          "the way to /" + path + " leads through a symbolic link above the root of the layer");
    }

    @Override
    public LayerStoreException noWay(LayerPath path, String problem) {
      return new ArchiveException(Kind.MALFORMED, "there is no way to /" + path + ": " + problem);
    }
  }

  @Override
  public long finish(long archiveBytes) throws LayerStoreException {
    requireOpen();
    try {
      directoryTimes.forEach(this::setTimes);
      publication.publish(log);
    } catch (IOException e) {
      throw VfsFailures.of(layer.id(), "cannot complete the layer", e);
    }
    close();
    return archiveBytes;
  }

  /** Sets the times of a directory, unless it is gone or something else by now. */
  private void setTimes(LayerPath real, Instant modified, Instant accessed) throws IOException {
    TreePosition position = walker.position();
    try {
      position.goTo(real.parent());
    } catch (NoSuchFileException | NotDirectoryException e) {
      return;
    }
    Look look = position.directory().look(real.name());
    if (look == null || !look.isDirectory()) {
      return;
    }
    directories.setTimes(position.directory(), real, modified, accessed);
  }

  @Override
  public void close() throws LayerStoreException {
    if (isEnded) {
      return;
    }
    isEnded = true;
    try {
      Closing.all(walker, directoryTimes, log, staging);
    } catch (IOException e) {
      throw VfsFailures.of(layer.id(), "cannot clean up after writing", e);
    } finally {
      publication.ended();
    }
  }
}
