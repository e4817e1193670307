package io.layerstore.vfs;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.driver.PathSet;
import io.layerstore.driver.rooted.Directory;
import io.layerstore.driver.rooted.Look;
import io.layerstore.driver.rooted.TreePosition;
import io.layerstore.vfs.record.AttributeRecord;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Removes entries of a layer that is being written, and tells the context before anything of the
 * same archive is lost.
 *
 * <p>Not safe for use by many threads.
 */
final class EntryRemover {

  private final Volume volume;
  private final InRootWalker walker;
  private final LayerRecords records;
  private final DirectoryChanger directories;
  private final Seclusion seclusion;
  private final ContextCalls context;

  /*
   * Directories below which everything is of this archive, because of an opaque mark. Nothing below
   * them is ever to be cleared again, so that an archive with a mark in each of many nested
   * directories costs no more than one with a single mark.
   */
  private final PathSet opaque = new PathSet();

  EntryRemover(
      LayerFiles layer,
      InRootWalker walker,
      LayerRecords records,
      DirectoryChanger directories,
      Seclusion seclusion,
      ContextCalls context) {
    this.volume = layer.volume();
    this.walker = walker;
    this.records = records;
    this.directories = directories;
    this.seclusion = seclusion;
    this.context = context;
  }

  /**
   * Removes what is at {@code real}, with all below; the position is in its directory after that.
   */
  void remove(LayerPath real, Look look) throws IOException {
    if (look.isDirectory()) {
      empty(real, false);
      deleteDirectory(real);
    } else {
      removeFile(real, look);
    }
  }

  /**
   * Removes everything below the directory {@code real} but what this archive has written, and the
   * directories that is in.
   */
  void clear(LayerPath real) throws IOException {
    if (!isOpaque(real)) {
      empty(real, true);
      opaque.add(real);
    }
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

  /** A directory being emptied: the names to come, and whether something stays in it. */
  private static final class Level {
    final LayerPath path;
    final List<ByteString> names;
    boolean isKept;

    Level(LayerPath path, List<ByteString> names) {
      this.path = path;
      this.names = names;
    }
  }

  private void empty(LayerPath top, boolean keepsWritten) throws IOException {
    List<Level> levels = new ArrayList<>();
    levels.add(enter(top));
    while (true) {
      Level level = levels.get(levels.size() - 1);
      if (!level.names.isEmpty()) {
        Level below = emptyNext(level, keepsWritten);
        if (below != null) {
          levels.add(below);
        }
        continue;
      }
      levels.remove(levels.size() - 1);
      if (levels.isEmpty()) {
        return;
      }
      if (level.isKept || (keepsWritten && context.isWritten(level.path))) {
        levels.get(levels.size() - 1).isKept = true;
      } else {
        deleteDirectory(level.path);
      }
    }
  }

  /** Removes the next name of {@code level}, or returns the directory that it is. */
  private @Nullable Level emptyNext(Level level, boolean keepsWritten) throws IOException {
    TreePosition position = walker.position();
    position.goTo(level.path);
    LayerPath real = level.path.resolve(level.names.remove(level.names.size() - 1));
    Look look = position.directory().look(real.name());
    if (look == null) {
      return null;
    }
    if (look.isDirectory() && !(keepsWritten && opaque.contains(real))) {
      return enter(real);
    }
    if (look.isDirectory() || (keepsWritten && context.isWritten(real))) {
      level.isKept = true;
    } else {
      removeFile(real, look);
    }
    return null;
  }

  private Level enter(LayerPath path) throws IOException {
    TreePosition position = walker.position();
    if (!path.isRoot()) {
      position.goTo(path.parent());
      directories.makeAccessible(position.directory(), path);
    }
    position.goTo(path);
    return new Level(path, position.directory().list());
  }

  /** Deletes an empty directory. */
  private void deleteDirectory(LayerPath real) throws IOException {
    walker.forget(real);
    TreePosition position = walker.position();
    position.goTo(real.parent());
    Directory parent = position.directory();
    records.forget(real, parent.path(real.name()));
    parent.deleteDirectory(real.name());
  }

  private void removeFile(LayerPath real, Look look) throws IOException {
    TreePosition position = walker.position();
    if (isLink(real, look)) {
      context.redirecting(real);
      walker.forget(real);
      position.goTo(real.parent());
    } else if (look.isFile() && context.isWritten(real)) {
      handBack(position.directory(), real, look);
    }
    records.forget(real, position.directory().path(real.name()));
    position.directory().deleteFile(real.name());
  }

  /** Whether it is a symbolic link, or a file that perhaps stands for one. */
  private boolean isLink(LayerPath real, Look look) throws IOException {
    if (look.isSymlink() || !look.isFile() || records.isEmpty()) {
      return look.isSymlink();
    }
    AttributeRecord record = records.find(real);
    return record != null && record.isLinkInFile();
  }

  /** Gives the content of a file of this archive to the context. */
  private void handBack(Directory directory, LayerPath real, Look look) throws IOException {
    AttributeRecord record = records.find(real);
    if (record != null && record.isPlaceholder()) {
      return;
    }
    Path file = directory.path(real.name());
    if (!volume.traits().setsOwners() && !Files.isReadable(file)) {
      seclusion.perform(() -> volume.setMode(file, 0600));
    }
    try (InputStream content = Channels.newInputStream(directory.openFile(real.name()))) {
      context.destroying(real, look.sizeBytes(), content);
    }
  }
}
