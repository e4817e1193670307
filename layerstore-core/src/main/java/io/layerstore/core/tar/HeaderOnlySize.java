package io.layerstore.core.tar;

import io.layerstore.ArchiveException;

/**
 * The size field of entries that have no payload: links, directories, devices and pipes.
 *
 * <p>Go, and so Docker, takes the block after such a header for the next header. Some writers put
 * the size of the file there, and their images are in use, so what all readers take the same way is
 * accepted. Where one of them skips as many bytes, it would see other entries in the same archive,
 * which is what attackers want. Tried with GNU tar 1.34, bsdtar 3.6, Python 3.11 and BusyBox 1.35
 * beside Go 1.19, all with another entry behind:
 *
 * <pre>
 * directory                             as Go: all
 * directory by its name, old type NUL   skipped by GNU tar
 * hard link                             as Go: all
 * hard link in ustar after a PAX header skipped by bsdtar
 * size from a PAX record                skipped by GNU tar (hard links), bsdtar (both)
 * symbolic link, device, pipe           skipped by GNU tar
 * </pre>
 */
final class HeaderOnlySize {

  private HeaderOnlySize() {}

  /**
   * Refuses an entry on whose size readers disagree.
   *
   * @param flag the type as it stands in the header
   * @param isFromPax whether the size is that of a PAX record
   * @param isPaxArchive whether this is a ustar header and PAX headers came before it
   */
  static void requireAgreed(
      TarHeader.Type type,
      int flag,
      long size,
      boolean isFromPax,
      boolean isPaxArchive,
      EntryPosition position)
      throws ArchiveException {
    boolean isAgreed =
        switch (type) {
          case DIRECTORY -> flag == '5' && !isFromPax;
          case HARD_LINK -> !isFromPax && !isPaxArchive;
          default -> false;
        };
    if (!isAgreed) {
      throw position.malformed(
          "ambiguous: an entry of type "
              + type
              + " with a size of "
              + size
              + " bytes, which some readers take for a payload and others do not; write the archive"
              + " again with a size of 0");
    }
  }
}
