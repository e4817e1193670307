package io.layerstore.core.vfs;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.Xattr;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Instant;
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

  /** The inode of the directory of files; 0 if it has none. */
  long rootInode() throws IOException {
    return volume.read(directory, id, "").inode();
  }

  /** What {@code path} is; it is at {@code file}. Null for a socket. */
  @Nullable TrueEntry read(Path file, LayerPath path, DiskEntry disk, Records records)
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
  @Nullable ByteString linkText(Directory directory, LayerPath path, Look look, Records records)
      throws IOException {
    if (look.isSymlink()) {
      return directory.readLink(path.name());
    }
    if (!look.isFile() || records == Records.NONE) {
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
    if (record != null && record.group() != 0) {
      log.put(AttributeKey.ofGroup(record.group()), record);
    }
  }

  /** Looks up records, wherever they are. */
  interface Records {

    /** No records at all. */
    Records NONE =
        new Records() {
          @Override
          public @Nullable AttributeRecord find(ByteString key) {
            return null;
          }

          @Override
          public boolean isSameTree() {
            return true;
          }
        };

    @Nullable AttributeRecord find(ByteString key) throws IOException;

    /** Whether inodes are those of when the records were made. */
    boolean isSameTree();

    /**
     * The record of the entry {@code path}, which is {@code type} on disk.
     *
     * <p>A file with several names has one of its own, which the last writer of any name set. Such
     * a record also finds a file that was renamed since, if it is certainly the same.
     */
    default @Nullable AttributeRecord find(LayerPath path, EntryType type, DiskEntry disk)
        throws IOException {
      AttributeRecord found = findAlone(path, type, disk);
      AttributeRecord common =
          found == null || found.group() == 0 ? null : find(AttributeKey.ofGroup(found.group()));
      return found == null || common == null ? found : found.withTruthOf(common);
    }

    /** The same, without what the other entries of its group have to say. */
    private @Nullable AttributeRecord findAlone(LayerPath path, EntryType type, DiskEntry disk)
        throws IOException {
      if (path.isRoot()) {
        return null;
      }
      boolean hasShared = disk.inode() != 0 && isSameTree();
      if (disk.names() > 1 && hasShared) {
        AttributeRecord shared = find(AttributeKey.of(disk.inode()));
        if (shared != null && TrueEntry.isAbout(shared, type, disk, true)) {
          return shared;
        }
      }
      AttributeRecord own = find(AttributeKey.of(path));
      if (own != null && TrueEntry.isAbout(own, type, disk, isSameTree())) {
        return own;
      }
      boolean isKnownForSure = hasShared && !disk.born().equals(Instant.EPOCH);
      return isKnownForSure ? find(AttributeKey.of(disk.inode())) : null;
    }

    /** The records of {@code table}; none if it is null. */
    static Records of(@Nullable AttributeTable table, long rootInode) {
      if (table == null) {
        return NONE;
      }
      boolean isSameTree = table.root() == rootInode;
      return new Records() {
        @Override
        public @Nullable AttributeRecord find(ByteString key) throws IOException {
          return table.find(key);
        }

        @Override
        public boolean isSameTree() {
          return isSameTree;
        }
      };
    }

    /** The records of {@code log}. */
    static Records of(AttributeLog log, long rootInode) {
      boolean isSameTree = log.baseRoot() == 0 || log.baseRoot() == rootInode;
      return new Records() {
        @Override
        public @Nullable AttributeRecord find(ByteString key) throws IOException {
          return log.find(key);
        }

        @Override
        public boolean isSameTree() {
          return isSameTree;
        }
      };
    }
  }
}
