package io.layerstore.overlay2.linux;

import io.layerstore.ArchiveException;
import io.layerstore.ArchiveException.Kind;
import io.layerstore.ByteString;
import io.layerstore.LayerPath;
import io.layerstore.spi.TreeEntry;
import io.layerstore.spi.Xattr;

/**
 * What every Linux kernel refuses, found before it is asked: limits.h of the kernel's interface.
 */
final class KernelLimits {

  private static final int PATH_MAX = 4096;
  private static final int NAME_MAX = 255;
  private static final int XATTR_NAME_MAX = 255;
  private static final int XATTR_SIZE_MAX = 65536;
  private static final int MAX_XATTRS = 0xffff;

  private KernelLimits() {}

  /**
   * Checks what is in an entry.
   *
   * @throws ArchiveException if something is too long
   */
  static void require(TreeEntry entry) throws ArchiveException {
    requirePath(entry, entry.path());
    if (entry.linkTarget() != null) {
      requirePath(entry, entry.linkTarget());
    }
    if (entry.linkText() != null && entry.linkText().length() >= PATH_MAX) {
      throw tooLong(entry, "the text of the symbolic link", PATH_MAX - 1);
    }
    if (entry.attributes().xattrs().size() > MAX_XATTRS) {
      throw tooLong(entry, "the list of extended attributes", MAX_XATTRS);
    }
    for (Xattr xattr : entry.attributes().xattrs()) {
      if (xattr.name().length() > XATTR_NAME_MAX) {
        throw tooLong(entry, "the name of an extended attribute", XATTR_NAME_MAX);
      }
      if (xattr.value().length() > XATTR_SIZE_MAX) {
        throw tooLong(entry, "the extended attribute " + xattr.name(), XATTR_SIZE_MAX);
      }
    }
  }

  private static void requirePath(TreeEntry entry, LayerPath path) throws ArchiveException {
    if (path.bytes().length() >= PATH_MAX) {
      throw tooLong(entry, "the path", PATH_MAX - 1);
    }
    if (longestName(path.bytes()) > NAME_MAX) {
      throw tooLong(entry, "a name in the path", NAME_MAX);
    }
  }

  private static int longestName(ByteString path) {
    int longest = 0;
    int start = 0;
    for (int end = path.indexOf((byte) '/'); end >= 0; end = path.indexOf((byte) '/', start)) {
      longest = Math.max(longest, end - start);
      start = end + 1;
    }
    return Math.max(longest, path.length() - start);
  }

  private static ArchiveException tooLong(TreeEntry entry, String what, int limit) {
    return new ArchiveException(
        Kind.UNSUPPORTED_ENTRY,
        "/" + entry.path() + ": " + what + " is longer than the " + limit + " that Linux takes");
  }
}
