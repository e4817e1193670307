package io.layerstore.driver;

import java.nio.file.attribute.PosixFilePermission;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** The nine permission bits as the JDK's set of constants, and back. */
public final class PosixModes {

  private static final List<PosixFilePermission> FROM_HIGH_TO_LOW =
      List.of(
          PosixFilePermission.OWNER_READ,
          PosixFilePermission.OWNER_WRITE,
          PosixFilePermission.OWNER_EXECUTE,
          PosixFilePermission.GROUP_READ,
          PosixFilePermission.GROUP_WRITE,
          PosixFilePermission.GROUP_EXECUTE,
          PosixFilePermission.OTHERS_READ,
          PosixFilePermission.OTHERS_WRITE,
          PosixFilePermission.OTHERS_EXECUTE);

  private PosixModes() {}

  /** The set for the lower nine bits of {@code mode}. */
  public static Set<PosixFilePermission> toPermissions(int mode) {
    Set<PosixFilePermission> permissions = EnumSet.noneOf(PosixFilePermission.class);
    for (int i = 0; i < FROM_HIGH_TO_LOW.size(); i++) {
      if ((mode & (0400 >> i)) != 0) {
        permissions.add(FROM_HIGH_TO_LOW.get(i));
      }
    }
    return permissions;
  }

  /** The bits of {@code permissions}. */
  public static int toMode(Set<PosixFilePermission> permissions) {
    int mode = 0;
    for (PosixFilePermission permission : permissions) {
      mode |= 0400 >> FROM_HIGH_TO_LOW.indexOf(permission);
    }
    return mode;
  }
}
