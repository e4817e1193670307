package io.layerstore.vfs.record;

import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What the file system tells about an entry.
 *
 * @param type what it is; null for a socket and whatever else an archive cannot hold
 * @param device the number of a device; null for other types
 * @param sizeBytes the size of a regular file
 * @param mode the permission bits it shows
 * @param uid the owner it shows, as seen inside the layer
 * @param gid the group it shows, as seen inside the layer
 * @param modified its time of modification
 * @param accessed its time of last access
 * @param inode a number that stays with the file, 0 if there is none
 * @param born when it was made; 1970 where nobody can tell
 * @param key what is equal for all names of a file; null where there is no such thing
 * @param names how many names it has; {@link #UNKNOWN_NAMES} where nobody can tell
 */
public record DiskEntry(
    @Nullable EntryType type,
    @Nullable Device device,
    long sizeBytes,
    int mode,
    long uid,
    long gid,
    Instant modified,
    Instant accessed,
    long inode,
    Instant born,
    @Nullable Object key,
    int names) {

  /** Docker stores times outside this range as 0: what fits the signed nanoseconds of 64 bits. */
  private static final Instant LAST_TIME = Instant.ofEpochSecond(0, Long.MAX_VALUE);

  /** More than any file has: nobody may wait for the last of them. */
  public static final int UNKNOWN_NAMES = Integer.MAX_VALUE;

  public boolean isDirectory() {
    return type == EntryType.DIRECTORY;
  }

  public boolean isFile() {
    return type == EntryType.FILE;
  }

  public boolean isSymlink() {
    return type == EntryType.SYMLINK;
  }

  /** {@code time}, or 1970 if no file can have it. */
  public static Instant storable(Instant time) {
    return time.isBefore(Instant.EPOCH) || time.isAfter(LAST_TIME) ? Instant.EPOCH : time;
  }
}
