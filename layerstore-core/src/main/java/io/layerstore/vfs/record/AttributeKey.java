package io.layerstore.vfs.record;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import java.nio.ByteBuffer;

/**
 * The keys of attribute records, ordered so that the entries of a directory follow each other.
 *
 * <pre>
 * key   = path | file | group
 * path  = directory NUL name     an entry, by the path of its directory and its own name
 * file  = NUL NUL inode          a file with several names, by its number in 8 bytes
 * group = NUL NUL number NUL     one of which the file system has a copy for each name
 * </pre>
 */
public final class AttributeKey {

  private static final ByteString NUL = ByteString.of(new byte[1]);

  private AttributeKey() {}

  /** The key of the entry {@code path}, which is not the root. */
  public static ByteString of(LayerPath path) {
    return prefix(path.parent()).concat(path.name());
  }

  /** What the keys of all entries of {@code directory} begin with. */
  public static ByteString prefix(LayerPath directory) {
    return directory.bytes().concat(NUL);
  }

  /** The key of what is true of all entries of a group. */
  public static ByteString ofGroup(long group) {
    return of(group).concat(NUL);
  }

  /** The key of a file with several names. */
  public static ByteString of(long inode) {
    return ByteString.of(ByteBuffer.allocate(2 + Long.BYTES).putLong(2, inode).array());
  }
}
