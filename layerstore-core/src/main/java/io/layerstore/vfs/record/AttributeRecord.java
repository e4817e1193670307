package io.layerstore.vfs.record;

import io.layerstore.ByteString;
import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.Xattr;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an entry truly is, where the file system could not keep all of it, and what the file system
 * showed in its place.
 *
 * <p>The second part is there because the user changes files through the mount and knows nothing of
 * this record: a true value counts only while the file system still shows what was seen when the
 * record was made.
 *
 * @param type what it truly is; {@link #GONE} has none
 * @param device the true number of a device; null for other types
 * @param mode the true permission bits
 * @param uid the true owner
 * @param gid the true group
 * @param modified the true time of modification
 * @param linkText the true text of a symbolic link; null for other types
 * @param xattrs those that are not on the file itself
 * @param shown what the file system showed
 * @param shownLinkText the text of a symbolic link that it showed; null if it showed none
 * @param group what is equal for the names of a file of which the file system has a copy for each;
 *     0 if it has no others
 */
public record AttributeRecord(
    EntryType type,
    @Nullable Device device,
    int mode,
    long uid,
    long gid,
    Instant modified,
    @Nullable ByteString linkText,
    List<Xattr> xattrs,
    Shown shown,
    @Nullable ByteString shownLinkText,
    long group) {

  /**
   * The part of a {@link DiskEntry} by which it is known again.
   *
   * @param inode the number that stays with the file, 0 if there is none
   * @param born when it was made; 1970 where nobody could tell
   * @param sizeBytes the size of a regular file
   * @param mode the permission bits
   * @param uid the owner, as seen inside the layer
   * @param gid the group, as seen inside the layer
   * @param modified the time of modification
   */
  public record Shown(
      long inode, Instant born, long sizeBytes, int mode, long uid, long gid, Instant modified) {

    static Shown of(DiskEntry entry) {
      return new Shown(
          entry.inode(),
          entry.born(),
          entry.sizeBytes(),
          entry.mode(),
          entry.uid(),
          entry.gid(),
          entry.modified());
    }
  }

  /** Marks that an earlier record of the same key no longer holds. */
  public static final AttributeRecord GONE =
      new AttributeRecord(
          EntryType.WHITEOUT,
          null,
          0,
          0,
          0,
          Instant.EPOCH,
          null,
          List.of(),
          new Shown(0, Instant.EPOCH, 0, 0, 0, 0, Instant.EPOCH),
          null,
          0);

  public AttributeRecord {
    xattrs = List.copyOf(xattrs);
  }

  public boolean isGone() {
    return type == EntryType.WHITEOUT;
  }

  /** Whether a regular file stands for something the file system cannot make. */
  public boolean isPlaceholder() {
    return isPlaceholder(type) || isLinkInFile();
  }

  /** Whether it is a symbolic link, and on disk a regular file with its text. */
  public boolean isLinkInFile() {
    return type == EntryType.SYMLINK && shownLinkText == null;
  }

  /** The same file system's view of what {@code other} says is the truth. */
  public AttributeRecord withTruthOf(AttributeRecord other) {
    return new AttributeRecord(
        other.type,
        other.device,
        other.mode,
        other.uid,
        other.gid,
        other.modified,
        other.linkText,
        other.xattrs,
        shown,
        shownLinkText,
        group);
  }

  /** Whether entries of {@code type} are empty regular files on disk. */
  public static boolean isPlaceholder(EntryType type) {
    return type == EntryType.CHARACTER_DEVICE
        || type == EntryType.BLOCK_DEVICE
        || type == EntryType.FIFO;
  }
}
