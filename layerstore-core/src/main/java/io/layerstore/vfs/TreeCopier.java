package io.layerstore.vfs;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.OperationInterruptedException;
import io.layerstore.driver.rooted.TreePosition;
import io.layerstore.spi.EntryType;
import io.layerstore.vfs.record.AttributeLog;
import io.layerstore.vfs.record.AttributeRecords;
import io.layerstore.vfs.record.DiskEntry;
import io.layerstore.vfs.record.TrueEntry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Copies the files of a layer into an empty directory, and records what the copies do not keep.
 *
 * <p>Files with several names stay so. Keeps in memory only those and the names of the directories
 * on the way. Used once.
 */
final class TreeCopier {

  /** A directory being copied; its attributes are set when all of it is there. */
  private record Frame(
      LayerPath path, Path target, Iterator<ByteString> names, @Nullable TrueEntry entry) {}

  private final LayerFiles source;
  private final AttributeRecords sourceRecords;
  private final LayerFiles target;
  private final AttributeLog log;
  private final Volume volume;
  private final FileCopier files;
  private final Map<Object, Path> firstNames = new HashMap<>();

  /**
   * Copies from {@code source}, described by {@code sourceRecords}, to {@code target}, whose
   * records go to {@code log}.
   */
  TreeCopier(
      LayerFiles source, AttributeRecords sourceRecords, LayerFiles target, AttributeLog log) {
    this.source = source;
    this.sourceRecords = sourceRecords;
    this.target = target;
    this.log = log;
    this.volume = source.volume();
    this.files = new FileCopier(volume);
  }

  /** Copies everything; the target directory exists. */
  void copy() throws IOException {
    try (TreePosition position = new TreePosition(source.open())) {
      Deque<Frame> frames = new ArrayDeque<>();
      frames.add(frame(position, LayerPath.ROOT, target.directory(), null));
      while (!frames.isEmpty()) {
        Frame frame = frames.getLast();
        if (!frame.names.hasNext()) {
          frames.removeLast();
          if (frame.entry != null) {
            finishDirectory(frame.path, frame.target, frame.entry);
          }
          continue;
        }
        if (Thread.currentThread().isInterrupted()) {
          throw new OperationInterruptedException("copying the parent of a layer", null);
        }
        position.goTo(frame.path);
        Frame below = copyEntry(position, frame);
        if (below != null) {
          frames.add(below);
        }
      }
      copyRoot();
    }
  }

  private void copyRoot() throws IOException {
    DiskEntry root = volume.read(source.directory(), source.id(), "");
    volume.replaceOwner(target.directory(), target.id(), "", root.uid(), root.gid());
    volume.setTimes(target.directory(), root.modified(), root.accessed());
    volume.setMode(target.directory(), root.mode());
  }

  private static Frame frame(
      TreePosition position, LayerPath path, Path target, @Nullable TrueEntry entry)
      throws IOException {
    position.goTo(path);
    return new Frame(path, target, position.directory().list().iterator(), entry);
  }

  /** Copies the next entry of {@code frame}; returns a frame for a directory to go into. */
  private @Nullable Frame copyEntry(TreePosition position, Frame frame) throws IOException {
    ByteString name = frame.names.next();
    LayerPath path = frame.path.resolve(name);
    Path from = position.directory().path(name);
    // Spelt as it is there: what the file system made of it, it makes of it again.
    Path to = frame.target.resolve(Objects.requireNonNull(from.getFileName()));
    DiskEntry disk = volume.read(from, source.id(), path);
    TrueEntry entry = source.read(from, path, disk, sourceRecords);
    if (disk.isDirectory()) {
      Files.copy(from, to, StandardCopyOption.COPY_ATTRIBUTES, LinkOption.NOFOLLOW_LINKS);
      if (!volume.traits().setsOwners()) {
        volume.setMode(to, disk.mode() | 0700);
      }
      return frame(position, path, to, entry);
    }
    if (disk.names() > 1
        && disk.key() != null
        && volume.traits().hasHardLinks()
        && linkToFirstName(disk, path, to, entry)) {
      return null;
    }
    if (disk.isFile()) {
      files.copy(from, to, disk);
    } else if (disk.isSymlink()) {
      Files.copy(from, to, StandardCopyOption.COPY_ATTRIBUTES, LinkOption.NOFOLLOW_LINKS);
      volume.setTimes(to, disk.modified(), disk.accessed());
    } else {
      entry = copySpecial(path, disk, entry, to);
    }
    if (entry != null) {
      record(path, to, entry);
    }
    return null;
  }

  private boolean linkToFirstName(
      DiskEntry disk, LayerPath path, Path to, @Nullable TrueEntry entry) throws IOException {
    Path first = firstNames.putIfAbsent(disk.key(), to);
    if (first == null || (disk.isSymlink() && !volume.traits().linksSymlinks())) {
      return false;
    }
    Files.createLink(to, first);
    if (entry != null) {
      record(path, to, entry);
    }
    return true;
  }

  /** Docker makes FIFOs of sockets. */
  private TrueEntry copySpecial(LayerPath path, DiskEntry disk, @Nullable TrueEntry entry, Path to)
      throws IOException {
    Files.createFile(to, volume.creation(0600));
    volume.setOwner(to, target.id(), path, disk.uid(), disk.gid());
    volume.setTimes(to, disk.modified(), disk.accessed());
    volume.setMode(to, 0);
    if (entry != null) {
      return entry;
    }
    return TrueEntry.of(EntryType.FIFO, disk, null, List.of(), null, true);
  }

  private void finishDirectory(LayerPath path, Path to, TrueEntry entry) throws IOException {
    volume.setTimes(to, entry.attributes().modified(), entry.attributes().accessed());
    record(path, to, entry);
  }

  private void record(LayerPath path, Path to, TrueEntry entry) throws IOException {
    target.record(path, to, entry, log, true);
  }
}
