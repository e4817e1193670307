package io.layerstore.vfs.record;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.spi.EntryType;
import java.io.IOException;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Looks up records, wherever they are. */
public interface AttributeRecords {

  /** No records at all. */
  AttributeRecords NONE =
      new AttributeRecords() {
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
   * <p>A file with several names has one of its own, which the last writer of any name set. Such a
   * record also finds a file that was renamed since, if it is certainly the same.
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
  static AttributeRecords of(@Nullable AttributeTable table, long rootInode) {
    if (table == null) {
      return NONE;
    }
    boolean isSameTree = table.root() == rootInode;
    return new AttributeRecords() {
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
  static AttributeRecords of(AttributeLog log, long rootInode) {
    boolean isSameTree = log.baseRoot() == 0 || log.baseRoot() == rootInode;
    return new AttributeRecords() {
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
