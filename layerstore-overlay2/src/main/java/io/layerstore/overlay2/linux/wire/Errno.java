package io.layerstore.overlay2.linux.wire;

import java.util.Map;

/**
 * Error numbers of Linux, which are the same on x86-64 and AArch64: their names, and the ones that
 * code acts on.
 */
public final class Errno {

  public static final int EPERM = 1;
  public static final int ENOENT = 2;
  public static final int EACCES = 13;
  public static final int EBUSY = 16;
  public static final int EEXIST = 17;
  public static final int EXDEV = 18;
  public static final int ENOTDIR = 20;
  public static final int EINVAL = 22;
  public static final int ETXTBSY = 26;
  public static final int ENOSPC = 28;
  public static final int ENOSYS = 38;
  public static final int ELOOP = 40;
  public static final int ENODATA = 61;
  public static final int EOPNOTSUPP = 95;
  public static final int ESTALE = 116;
  public static final int EDQUOT = 122;

  private static final Map<Integer, String> NAMES =
      Map.ofEntries(
          Map.entry(EPERM, "EPERM, operation not permitted"),
          Map.entry(ENOENT, "ENOENT, no such file or directory"),
          Map.entry(5, "EIO, input/output error"),
          Map.entry(7, "E2BIG, too long"),
          Map.entry(9, "EBADF, bad file descriptor"),
          Map.entry(12, "ENOMEM, out of memory"),
          Map.entry(EACCES, "EACCES, permission denied"),
          Map.entry(EBUSY, "EBUSY, in use"),
          Map.entry(EEXIST, "EEXIST, file exists"),
          Map.entry(EXDEV, "EXDEV, on another file system"),
          Map.entry(19, "ENODEV, no such device or file system"),
          Map.entry(ENOTDIR, "ENOTDIR, not a directory"),
          Map.entry(21, "EISDIR, is a directory"),
          Map.entry(EINVAL, "EINVAL, invalid argument"),
          Map.entry(23, "ENFILE, too many open files in the system"),
          Map.entry(24, "EMFILE, too many open files"),
          Map.entry(ETXTBSY, "ETXTBSY, program is being written"),
          Map.entry(27, "EFBIG, file too large"),
          Map.entry(ENOSPC, "ENOSPC, no space left"),
          Map.entry(30, "EROFS, read-only file system"),
          Map.entry(31, "EMLINK, too many links"),
          Map.entry(32, "EPIPE, broken pipe"),
          Map.entry(34, "ERANGE, out of range"),
          Map.entry(36, "ENAMETOOLONG, file name too long"),
          Map.entry(ENOSYS, "ENOSYS, not implemented by this kernel"),
          Map.entry(39, "ENOTEMPTY, directory not empty"),
          Map.entry(ELOOP, "ELOOP, too many symbolic links"),
          Map.entry(ENODATA, "ENODATA, no data"),
          Map.entry(75, "EOVERFLOW, value too large"),
          Map.entry(EOPNOTSUPP, "EOPNOTSUPP, not supported by this file system"),
          Map.entry(ESTALE, "ESTALE, stale file handle"),
          Map.entry(117, "EUCLEAN, file system needs repair"),
          Map.entry(EDQUOT, "EDQUOT, disk quota exceeded"));

  private Errno() {}

  /**
   * The name and meaning of {@code errno}, such as {@code ENOSPC, no space left}; the number where
   * it has no name here.
   */
  public static String describe(int errno) {
    return NAMES.getOrDefault(errno, "errno " + errno);
  }
}
