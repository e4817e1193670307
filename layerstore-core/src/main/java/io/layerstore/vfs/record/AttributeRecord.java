package io.layerstore.vfs.record;

import io.layerstore.ByteString;
import io.layerstore.spi.Attributes;
import io.layerstore.spi.EntryType;
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
 * @param truth what it is, as far as the file system does not keep it: without size, time of access
 *     and the extended attributes on the file itself; {@link #GONE} has none
 * @param shown what the file system showed
 * @param shownLinkText the text of a symbolic link that it showed; null if it showed none
 */
public record AttributeRecord(TrueEntry truth, Shown shown, @Nullable ByteString shownLinkText) {

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
  static final AttributeRecord GONE =
      new AttributeRecord(
          new TrueEntry(
              EntryType.WHITEOUT,
              null,
              0,
              Attributes.of(0, Instant.EPOCH),
              null,
              List.of(),
              List.of()),
          new Shown(0, Instant.EPOCH, 0, 0, 0, 0, Instant.EPOCH),
          null);

  boolean isGone() {
    return truth.type() == EntryType.WHITEOUT;
  }

  /** Whether a regular file stands for something the file system cannot make. */
  public boolean isPlaceholder() {
    return isPlaceholder(truth.type()) || isLinkInFile();
  }

  /** Whether it is a symbolic link, and on disk a regular file with its text. */
  public boolean isLinkInFile() {
    return truth.type() == EntryType.SYMLINK && shownLinkText == null;
  }

  /** Whether entries of {@code type} are empty regular files on disk. */
  public static boolean isPlaceholder(EntryType type) {
    return type == EntryType.CHARACTER_DEVICE
        || type == EntryType.BLOCK_DEVICE
        || type == EntryType.FIFO;
  }
}
