package io.layerstore.overlay2.linux;

import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.spi.Device;
import io.layerstore.spi.EntryType;
import io.layerstore.spi.Xattr;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A name in a tree, as it is on the disk.
 *
 * @param path where it is in the tree
 * @param type what it is; a 0/0 character device is a whiteout, a further name of a file is a file
 *     again
 * @param mode the twelve permission bits
 * @param uid the owner, as the helper's namespace sees it
 * @param gid the group
 * @param links the number of names of the inode
 * @param fileSystem the device the inode is on; with {@code inode} it tells which names are one
 *     file
 * @param inode the inode
 * @param sizeBytes the size of a regular file, the length of a symbolic link's text; else 0
 * @param modified when content was changed last
 * @param changed when anything was changed last
 * @param linkText the text of a symbolic link; null for other types
 * @param device the number of a device; null for other types
 * @param isOpaque whether it is a directory that hides those below
 * @param isRedirected whether it stands for another name below, so that the tree alone is no
 *     complete diff
 * @param isMetacopy whether its content is in a lower layer, so that the tree alone is no complete
 *     diff
 * @param wasSeen whether the same scan has given another name of this inode before
 * @param hasContent whether its content follows in the scan
 * @param xattrs the extended attributes that were asked for
 */
public record TreeNode(
    LayerPath path,
    EntryType type,
    int mode,
    long uid,
    long gid,
    long links,
    long fileSystem,
    long inode,
    long sizeBytes,
    Instant modified,
    Instant changed,
    @Nullable ByteString linkText,
    @Nullable Device device,
    boolean isOpaque,
    boolean isRedirected,
    boolean isMetacopy,
    boolean wasSeen,
    boolean hasContent,
    List<Xattr> xattrs) {

  /** Copies the list. */
  public TreeNode {
    xattrs = List.copyOf(xattrs);
  }
}
