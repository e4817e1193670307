package io.layerstore.vfs;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.driver.Closing;
import io.layerstore.driver.rooted.Directory;
import io.layerstore.driver.rooted.Look;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.Xattr;
import io.layerstore.vfs.record.AttributeKey;
import io.layerstore.vfs.record.AttributeLog;
import io.layerstore.vfs.record.AttributeRecord;
import io.layerstore.vfs.record.AttributeRecords;
import io.layerstore.vfs.record.AttributeTable;
import io.layerstore.vfs.record.DiskEntry;
import io.layerstore.vfs.record.TrueEntry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where a layer is, and how to read an entry of it.
 *
 * @param id the layer's id
 * @param directory its files
 * @param table its records
 * @param volume the file system they are on
 */
record LayerFiles(String id, Path directory, Path table, Volume volume) {

  /** Opens the directory of files. */
  Directory open() throws IOException {
    return Directory.open(directory, volume.names());
  }

  /** Opens the table of records; null if there is none. */
  @Nullable AttributeTable openTable() throws IOException {
    return Files.exists(table, LinkOption.NOFOLLOW_LINKS) ? AttributeTable.open(table) : null;
  }

  /** Opens the records for looking them up. */
  AttributeRecords openRecords() throws IOException {
    AttributeTable opened = openTable();
    if (opened == null) {
      return AttributeRecords.NONE;
    }
    try {
      return AttributeRecords.of(opened, rootInode());
    } catch (IOException | RuntimeException e) {
      Closing.after(e, opened);
      throw e;
    }
  }

  /** The inode of the directory of files; 0 if it has none. */
  long rootInode() throws IOException {
    return volume.read(directory, id, "").inode();
  }

  /** What {@code path} is; it is at {@code file}. Null for a socket. */
  @Nullable TrueEntry read(Path file, LayerPath path, DiskEntry disk, AttributeRecords records)
      throws IOException {
    EntryType type = disk.type();
    if (type == null) {
      return null;
    }
    ByteString text =
        type == EntryType.SYMLINK
            ? volume.names().fromLinkTarget(Files.readSymbolicLink(file))
            : null;
    List<Xattr> stored = volume.readXattrs(file, disk);
    return TrueEntry.of(
        type, disk, text, stored, records.find(path, type, disk), records.isSameTree());
  }

  /**
   * The text of the symbolic link {@code path}, which is in {@code directory} as {@code look}; null
   * if it is none.
   */
  @Nullable ByteString linkText(
      Directory directory, LayerPath path, Look look, AttributeRecords records) throws IOException {
    if (look.isSymlink()) {
      return directory.readLink(path.name());
    }
    if (!look.isFile() || records == AttributeRecords.NONE) {
      return null;
    }
    Path file = directory.path(path.name());
    TrueEntry entry = read(file, path, volume.read(file, id, path), records);
    return entry == null ? null : entry.linkText();
  }

  /**
   * Puts what the disk does not keep of {@code entry}, which is at {@code file}, into {@code log}.
   *
   * @param isNew whether nothing can be there yet that would have to be taken back
   */
  void record(LayerPath path, Path file, TrueEntry entry, AttributeLog log, boolean isNew)
      throws IOException {
    DiskEntry shown = volume.read(file, id, path);
    ByteString text =
        shown.isSymlink() ? volume.names().fromLinkTarget(Files.readSymbolicLink(file)) : null;
    AttributeRecord record = entry.recordFor(shown, text);
    if (record == null && isNew) {
      return;
    }
    log.set(AttributeKey.of(path), record);
    if (shown.inode() != 0) {
      ByteString key = AttributeKey.of(shown.inode());
      // Other names may have records of what was true before: this one counts for all of them.
      boolean isForOthers = record == null && shown.names() > 1 && log.find(key) != null;
      log.set(key, isForOthers ? entry.recordAlways(shown, text) : record);
    }
    if (record != null && record.truth().group() != 0) {
      log.put(AttributeKey.ofGroup(record.truth().group()), record);
    }
  }
}
