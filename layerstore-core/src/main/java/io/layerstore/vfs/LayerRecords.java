package io.layerstore.vfs;

import io.layerstore.ByteString;
import io.layerstore.DriverException;
import io.layerstore.LayerPath;
import io.layerstore.driver.rooted.Directory;
import io.layerstore.driver.rooted.Look;
import io.layerstore.vfs.record.AttributeKey;
import io.layerstore.vfs.record.AttributeLog;
import io.layerstore.vfs.record.AttributeRecord;
import io.layerstore.vfs.record.AttributeRecords;
import io.layerstore.vfs.record.DiskEntry;
import io.layerstore.vfs.record.TrueEntry;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The records of a layer that is being written: read with the entries they are about, put where the
 * file system does not keep an entry, and taken back.
 *
 * <p>Not safe for use by many threads.
 */
final class LayerRecords {

  private final LayerFiles layer;
  private final Volume volume;
  private final AttributeLog log;
  private final AttributeRecords lookup;
  private long groups;

  LayerRecords(LayerFiles layer, AttributeLog log) throws IOException {
    this.layer = layer;
    this.volume = layer.volume();
    this.log = log;
    this.lookup = AttributeRecords.of(log, layer.rootInode());
  }

  /** What the entry {@code path}, which is at {@code file}, truly is. */
  TrueEntry read(Path file, LayerPath path) throws IOException {
    DiskEntry disk = volume.read(file, layer.id(), path);
    TrueEntry entry = layer.read(file, path, disk, lookup);
    if (entry == null) {
      throw new DriverException(
          VfsDriverProvider.NAME, layer.id(), "/" + path + " is a socket", null);
    }
    return entry;
  }

  /** What is recorded of the entry {@code path}, right or wrong; null if nothing. */
  @Nullable AttributeRecord find(LayerPath path) throws IOException {
    return lookup.recorded(path);
  }

  /** Notes what the disk does not keep of {@code entry}, which is at {@code file} for now. */
  void note(LayerPath path, TrueEntry entry, Path file) throws IOException {
    layer.record(path, file, entry, log, false);
  }

  /** The same for another name of a file that has been noted. */
  void noteOtherName(LayerPath path, LayerPath noted) throws IOException {
    log.set(AttributeKey.of(path), find(noted));
  }

  /** Notes that the disk keeps all of an entry that is new. */
  void noteKept(LayerPath path) throws IOException {
    log.set(AttributeKey.of(path), null);
  }

  /** The number of a group that there is not yet. */
  long newGroup() throws IOException {
    do {
      groups++;
    } while (log.find(AttributeKey.ofGroup(groups)) != null);
    return groups;
  }

  /** The text of a symbolic link, see {@link LayerFiles#linkText}. */
  @Nullable ByteString linkText(Directory directory, LayerPath path, Look look) throws IOException {
    return layer.linkText(directory, path, look, log.isEmpty() ? AttributeRecords.NONE : lookup);
  }

  /** Takes back what is recorded of the entry {@code path}, which is at {@code file}. */
  void forget(LayerPath path, Path file) throws IOException {
    if (log.isEmpty()) {
      return;
    }
    log.remove(AttributeKey.of(path));
    DiskEntry disk = volume.read(file, layer.id(), path);
    if (disk.names() == 1 && disk.inode() != 0) {
      log.remove(AttributeKey.of(disk.inode()));
    }
  }

  boolean isEmpty() {
    return log.isEmpty();
  }
}
