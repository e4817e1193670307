package io.layerstore.vfs.record;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.spi.EntryType;
import java.io.Closeable;
import java.io.IOException;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Looks up the records of a layer, wherever they are. */
public final class AttributeRecords implements Closeable {

  /** No records at all. */
  public static final AttributeRecords NONE = new AttributeRecords(key -> null, true, () -> {});

  /** Finds the record of a key; null if there is none. */
  @FunctionalInterface
  private interface Finder {
    @Nullable AttributeRecord find(ByteString key) throws IOException;
  }

  private final Finder finder;
  private final boolean isSameTree;
  private final Closeable source;

  private AttributeRecords(Finder finder, boolean isSameTree, Closeable source) {
    this.finder = finder;
    this.isSameTree = isSameTree;
    this.source = source;
  }

  /** The records of {@code table}, closed with them. */
  public static AttributeRecords of(AttributeTable table, long rootInode) {
    return new AttributeRecords(table::find, table.root() == rootInode, table);
  }

  /** The records of {@code log}, which stays open. */
  public static AttributeRecords of(AttributeLog log, long rootInode) {
    return new AttributeRecords(log::find, log.root(rootInode) == rootInode, () -> {});
  }

  /** Whether inodes are those of when the records were made. */
  public boolean isSameTree() {
    return isSameTree;
  }

  /**
   * The record of the entry {@code path}, which is {@code type} on disk.
   *
   * <p>A file with several names has one of its own, which the last writer of any name set. Such a
   * record also finds a file that was renamed since, if it is certainly the same.
   */
  public @Nullable AttributeRecord find(LayerPath path, EntryType type, DiskEntry disk)
      throws IOException {
    AttributeRecord found = findAlone(path, type, disk);
    long group = found == null ? 0 : found.truth().group();
    AttributeRecord common = group == 0 ? null : finder.find(AttributeKey.ofGroup(group));
    return found == null || common == null
        ? found
        : new AttributeRecord(common.truth().in(group), found.shown(), found.shownLinkText());
  }

  /** The same, without what the other entries of its group have to say. */
  private @Nullable AttributeRecord findAlone(LayerPath path, EntryType type, DiskEntry disk)
      throws IOException {
    if (path.isRoot()) {
      return null;
    }
    boolean hasShared = disk.inode() != 0 && isSameTree;
    if (disk.names() > 1 && hasShared) {
      AttributeRecord shared = finder.find(AttributeKey.of(disk.inode()));
      if (shared != null && TrueEntry.isAbout(shared, type, disk, true)) {
        return shared;
      }
    }
    AttributeRecord own = finder.find(AttributeKey.of(path));
    if (own != null && TrueEntry.isAbout(own, type, disk, isSameTree)) {
      return own;
    }
    boolean isKnownForSure = hasShared && !disk.born().equals(Instant.EPOCH);
    return isKnownForSure ? finder.find(AttributeKey.of(disk.inode())) : null;
  }

  /** What is recorded of the entry {@code path}, right or wrong; null if nothing. */
  public @Nullable AttributeRecord recorded(LayerPath path) throws IOException {
    return finder.find(AttributeKey.of(path));
  }

  @Override
  public void close() throws IOException {
    source.close();
  }
}
