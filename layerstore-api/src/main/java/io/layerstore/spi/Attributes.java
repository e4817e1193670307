package io.layerstore.spi;

import java.time.Instant;
import java.util.List;
import java.util.Objects;

/**
 * The attributes of an entry. Owners are those inside the layer, before any id mapping.
 *
 * @param mode the twelve permission bits, octal 0 to 07777
 * @param uid the owner, 0 to 2^32-2
 * @param gid the group, 0 to 2^32-2
 * @param modified the time of last modification
 * @param accessed the time of last access, never before {@code modified} when it comes from an
 *     archive
 * @param xattrs the extended attributes, in the order of the archive, no name twice
 */
public record Attributes(
    int mode, long uid, long gid, Instant modified, Instant accessed, List<Xattr> xattrs) {

  /** The greatest user or group id; the one after it means "leave unchanged" to the kernel. */
  public static final long MAX_ID = 0xffff_fffeL;

  /**
   * Copies the list.
   *
   * @throws IllegalArgumentException if the mode or an id is out of range
   */
  public Attributes {
    if ((mode & ~07777) != 0) {
      throw new IllegalArgumentException(
          "mode has other than permission bits: 0" + Integer.toOctalString(mode));
    }
    if (uid < 0 || uid > MAX_ID || gid < 0 || gid > MAX_ID) {
      throw new IllegalArgumentException("owner out of range: " + uid + ":" + gid);
    }
    Objects.requireNonNull(modified, "modified");
    Objects.requireNonNull(accessed, "accessed");
    xattrs = List.copyOf(xattrs);
  }

  /** Owned by 0:0, without extended attributes, accessed when modified. */
  public static Attributes of(int mode, Instant modified) {
    return new Attributes(mode, 0, 0, modified, modified, List.of());
  }

  /** These attributes with another mode. */
  public Attributes withMode(int newMode) {
    return new Attributes(newMode, uid, gid, modified, accessed, xattrs);
  }

  /** These attributes with another owner. */
  public Attributes withOwner(long newUid, long newGid) {
    return new Attributes(mode, newUid, newGid, modified, accessed, xattrs);
  }

  /** These attributes with other times. */
  public Attributes withTimes(Instant newModified, Instant newAccessed) {
    return new Attributes(mode, uid, gid, newModified, newAccessed, xattrs);
  }

  /** These attributes with other extended attributes. */
  public Attributes withXattrs(List<Xattr> newXattrs) {
    return new Attributes(mode, uid, gid, modified, accessed, newXattrs);
  }
}
