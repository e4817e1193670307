package io.layerstore.overlay2.linux;

import io.layerstore.overlay2.linux.wire.Protocol;

/**
 * What all mounts of one home have in common. Immutable.
 *
 * @param usesUserXattrs whether overlay's own attributes are {@code user.overlay.*}, as an ordinary
 *     user needs
 * @param turnsIndexOff whether to say {@code index=off}
 * @param forbidsRedirects whether to say {@code redirect_dir=nofollow}
 * @param turnsMetacopyOff whether to say {@code metacopy=off}
 * @param rootUid the host's user that owns what the kernel and the helper make
 * @param rootGid the group
 */
public record MountSettings(
    boolean usesUserXattrs,
    boolean turnsIndexOff,
    boolean forbidsRedirects,
    boolean turnsMetacopyOff,
    long rootUid,
    long rootGid) {

  /** Every option the kernel knows, and the attributes that work in its namespace. */
  public static MountSettings of(KernelFeatures features) {
    return new MountSettings(
        features.has(KernelFeatures.USER_XATTR) && !features.has(KernelFeatures.TRUSTED_XATTR),
        features.has(KernelFeatures.INDEX_OPTION),
        features.has(KernelFeatures.REDIRECT_OPTION),
        features.has(KernelFeatures.METACOPY_OPTION),
        0,
        0);
  }

  /** The same with the host's ids of root, for id mappings. */
  public MountSettings withRoot(long uid, long gid) {
    return new MountSettings(
        usesUserXattrs, turnsIndexOff, forbidsRedirects, turnsMetacopyOff, uid, gid);
  }

  int flags() {
    return (usesUserXattrs ? Protocol.MOUNT_USERXATTR : 0)
        | (turnsIndexOff ? Protocol.MOUNT_INDEX_OFF : 0)
        | (forbidsRedirects ? Protocol.MOUNT_REDIRECT_NOFOLLOW : 0)
        | (turnsMetacopyOff ? Protocol.MOUNT_METACOPY_OFF : 0);
  }
}
