package io.layerstore.overlay2.linux.wire;

/**
 * The numbers of the helper's protocol. {@code docs/formats/helper.md} says what they mean; tests
 * compare them with that page and with {@code src/main/c/protocol.h}.
 */
public final class Protocol {

  public static final int PROTOCOL_VERSION = 3;

  public static final int HEADER_SIZE = 12;
  public static final int FRAME_LIMIT = 65536;
  public static final int BULK_LIMIT = 1048576;

  public static final int OP_START = 0x0001;
  public static final int OP_MAPPED = 0x0002;
  public static final int OP_DATA = 0x0003;
  public static final int OP_XATTR = 0x0004;
  public static final int OP_FORK = 0x0005;
  public static final int OP_OPENED = 0x0006;
  public static final int OP_REAP = 0x0007;
  public static final int OP_BLOCK = 0x0008;
  public static final int OP_PROBE = 0x0100;
  public static final int OP_MOUNT = 0x0200;
  public static final int OP_UNMOUNT = 0x0201;
  public static final int OP_RELEASE = 0x0202;
  public static final int OP_LIST = 0x0203;
  public static final int OP_ENTRY = 0x0300;
  public static final int OP_FINISH = 0x0301;
  public static final int OP_SCAN = 0x0400;
  public static final int OP_NAMES = 0x0401;
  public static final int OP_STAT = 0x0402;
  public static final int OP_READ = 0x0403;
  public static final int OP_REMOVE = 0x0500;
  public static final int OP_EXCHANGE = 0x0501;
  public static final int OP_SYNC = 0x0600;

  public static final int OP_HELLO = 0x8001;
  public static final int OP_MAP = 0x8002;
  public static final int OP_DONE = 0x8003;
  public static final int OP_ERROR = 0x8004;
  public static final int OP_FORKED = 0x8005;
  public static final int OP_REAPED = 0x8006;
  public static final int OP_TAKEN = 0x8007;
  public static final int OP_FEATURE = 0x8100;
  public static final int OP_MOUNTED = 0x8200;
  public static final int OP_MOUNTPOINT = 0x8201;
  public static final int OP_SALVAGE = 0x8300;
  public static final int OP_REDIRECT = 0x8301;
  public static final int OP_THROUGH = 0x8302;
  public static final int OP_WARNING = 0x8303;
  public static final int OP_NODE = 0x8400;
  public static final int OP_CONTENT_END = 0x8401;

  public static final int MODE_PROBE = 1;
  public static final int MODE_MOUNT = 2;
  public static final int MODE_APPLY = 3;
  public static final int MODE_SCAN = 4;
  public static final int MODE_REMOVE = 5;
  public static final int MODE_SYNC = 6;

  public static final int START_USER_NAMESPACE = 0x01;
  public static final int START_MAP_BY_CALLER = 0x02;
  public static final int START_USER_XATTR = 0x04;
  public static final int START_ALLOW_WHITEOUT_DEVICE = 0x08;
  public static final int START_IGNORE_OWNERS = 0x10;
  public static final int START_NO_OPENAT2 = 0x20;
  public static final int START_NO_NAMESPACE = 0x40;
  public static final int START_ONE_BY_ONE = 0x80;

  public static final int TREE_HOME = 0;
  public static final int TREE_DIFF = 1;

  public static final int FACT_PIVOTED = 0x01;
  public static final int FACT_CHROOTED = 0x02;
  public static final int FACT_SECCOMP = 0x04;
  public static final int FACT_OPENAT2 = 0x08;

  public static final int STATE_NO = 0;
  public static final int STATE_YES = 1;
  public static final int STATE_UNKNOWN = 2;

  public static final int MOUNT_READ_ONLY = 0x01;
  public static final int MOUNT_PERSISTENT = 0x02;
  public static final int MOUNT_NODEV = 0x04;
  public static final int MOUNT_DETACHED = 0x08;
  public static final int MOUNT_FORCE_NEW = 0x10;
  public static final int MOUNT_FORCE_CLASSIC = 0x20;
  public static final int MOUNT_USERXATTR = 0x40;
  public static final int MOUNT_INDEX_OFF = 0x80;
  public static final int MOUNT_REDIRECT_NOFOLLOW = 0x100;
  public static final int MOUNT_METACOPY_OFF = 0x200;

  public static final int API_NEW = 1;
  public static final int API_CLASSIC = 2;
  public static final int API_FOUND = 0x04;
  public static final int API_FOUND_SHARED = 0x08;
  public static final int API_FOUND_OF_STORE = 0x10;

  public static final int UNMOUNT_LAZY = 0x01;
  public static final int UNMOUNT_LEAVE = 0x02;

  public static final int TYPE_DIRECTORY = 1;
  public static final int TYPE_FILE = 2;
  public static final int TYPE_SYMLINK = 3;
  public static final int TYPE_HARD_LINK = 4;
  public static final int TYPE_CHARACTER_DEVICE = 5;
  public static final int TYPE_BLOCK_DEVICE = 6;
  public static final int TYPE_FIFO = 7;
  public static final int TYPE_WHITEOUT = 8;
  public static final int TYPE_OPAQUE = 9;
  public static final int TYPE_NO_WHITEOUT = 10;
  public static final int TYPE_NOTHING = 11;

  public static final int SCAN_CONTENT = 0x01;
  public static final int SCAN_CAPABILITY = 0x02;
  public static final int SCAN_ALL_XATTRS = 0x04;
  public static final int SCAN_FOLLOW = 0x08;
  public static final int SCAN_TOGETHER = 0x10;
  public static final int SCAN_SUM = 0x20;

  public static final int MARK_OPAQUE = 0x01;
  public static final int MARK_REDIRECT = 0x02;
  public static final int MARK_METACOPY = 0x04;
  public static final int MARK_CONTENT = 0x08;
  public static final int MARK_SEEN = 0x10;

  public static final int WARN_XATTR_DROPPED = 1;
  public static final int WARN_XATTR_REFUSED = 2;
  public static final int WARN_DEVICE_SKIPPED = 3;
  public static final int WARN_OWNER_REFUSED = 4;

  public static final int CODE_SYSTEM = 1;
  public static final int CODE_PROTOCOL = 2;
  public static final int CODE_BREAKOUT = 3;
  public static final int CODE_NOT_A_DIRECTORY = 4;
  public static final int CODE_LINK_LOOP = 5;
  public static final int CODE_MISSING_TARGET = 6;
  public static final int CODE_WHITEOUT_DEVICE = 7;
  public static final int CODE_BAD_LINK = 8;
  public static final int CODE_TOO_LONG = 9;
  public static final int CODE_BUSY = 10;
  public static final int CODE_CROSSES_MOUNT = 11;
  public static final int CODE_MISMATCH = 12;
  public static final int CODE_BAD_XATTR = 13;
  public static final int CODE_HELD = 14;
  public static final int CODE_LINK_STEPS = 15;
  public static final int CODE_ELSEWHERE = 16;

  /** The source, in mountinfo, of a mount that is not to outlive the process that made it. */
  public static final String SOURCE_OF_STORE = "layerstore";

  public static final int EXIT_DONE = 0;
  public static final int EXIT_FAILED = 1;
  public static final int EXIT_USAGE = 2;
  public static final int EXIT_PROTOCOL = 3;

  private Protocol() {}

  /** How long the body of a frame may be. */
  public static int limitOf(int opcode) {
    return opcode == OP_DATA || opcode == OP_XATTR ? BULK_LIMIT : FRAME_LIMIT;
  }
}
