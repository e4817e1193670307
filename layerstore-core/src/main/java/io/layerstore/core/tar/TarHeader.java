package io.layerstore.core.tar;

import io.layerstore.ByteString;
import io.layerstore.spi.FileContent.Extent;
import io.layerstore.spi.Xattr;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an archive says about one entry, after long names, PAX records and sparse maps are taken in;
 * nothing is judged or changed yet. Immutable.
 *
 * @param index the number of the entry in its archive, from 0; a global header counts
 * @param type what it is
 * @param name its name, as it stands in the archive
 * @param linkName the target of a link; for other types whatever stands in the archive
 * @param size the logical size in bytes; for all but files the size field, which says nothing
 * @param storedSize how many payload bytes the archive holds; less than {@code size} if the file is
 *     sparse
 * @param extents where the payload bytes belong, if the file is sparse; else null. Checked: in
 *     order, inside {@code size}, {@code storedSize} bytes together
 * @param isOldGnuSparse whether the file is sparse in the old form of GNU tar, type {@code S}
 * @param mode the mode field, any bits
 * @param uid the owner, any number
 * @param gid the group, any number
 * @param modified the time of last modification, any
 * @param accessed the time of last access, if the archive has it
 * @param xattrs the extended attributes of {@code SCHILY.xattr} records, no name twice
 * @param devMajor the major device number; for types other than devices whatever stands in the
 *     archive
 * @param devMinor the minor device number
 */
public record TarHeader(
    long index,
    Type type,
    ByteString name,
    ByteString linkName,
    long size,
    long storedSize,
    @Nullable List<Extent> extents,
    boolean isOldGnuSparse,
    long mode,
    long uid,
    long gid,
    Instant modified,
    @Nullable Instant accessed,
    List<Xattr> xattrs,
    long devMajor,
    long devMinor) {

  /** What an entry is. */
  public enum Type {
    /** A regular file, sparse or not. */
    FILE,
    /** A further name of an entry of this layer. */
    HARD_LINK,
    /** A symbolic link. */
    SYMLINK,
    /** A character device. */
    CHARACTER_DEVICE,
    /** A block device. */
    BLOCK_DEVICE,
    /** A directory. */
    DIRECTORY,
    /** A named pipe. */
    FIFO,
    /** A global PAX header, which says nothing about any file; it has a name and nothing else. */
    GLOBAL_HEADER
  }

  /** Copies the lists. */
  public TarHeader {
    extents = extents == null ? null : List.copyOf(extents);
    xattrs = List.copyOf(xattrs);
  }

  /** Whether it is a global PAX header. */
  public boolean isGlobalHeader() {
    return type == Type.GLOBAL_HEADER;
  }

  /**
   * Whether the payload is less than the file, or was preceded by a map, so that the two are not
   * the same bytes.
   */
  public boolean isSparse() {
    return extents != null;
  }
}
