/*
 * The numbers of the conversation between the Java side and layerstore-helper. docs/formats/helper.md says what they mean and how frames are laid
 * out; tests compare the numbers there, here and on the Java side.
 */
#ifndef LAYERSTORE_PROTOCOL_H
#define LAYERSTORE_PROTOCOL_H

#define PROTOCOL_VERSION 3

#define HEADER_SIZE 12
#define FRAME_LIMIT 65536
#define BULK_LIMIT 1048576

/* From the Java side. */
#define OP_START 0x0001
#define OP_MAPPED 0x0002
#define OP_DATA 0x0003
#define OP_XATTR 0x0004
#define OP_FORK 0x0005
#define OP_OPENED 0x0006
#define OP_REAP 0x0007
#define OP_BLOCK 0x0008
#define OP_PROBE 0x0100
#define OP_MOUNT 0x0200
#define OP_UNMOUNT 0x0201
#define OP_RELEASE 0x0202
#define OP_LIST 0x0203
#define OP_ENTRY 0x0300
#define OP_FINISH 0x0301
#define OP_SCAN 0x0400
#define OP_NAMES 0x0401
#define OP_STAT 0x0402
#define OP_READ 0x0403
#define OP_REMOVE 0x0500
#define OP_EXCHANGE 0x0501
#define OP_SYNC 0x0600

/* From the helper; DATA and XATTR go both ways. */
#define OP_HELLO 0x8001
#define OP_MAP 0x8002
#define OP_DONE 0x8003
#define OP_ERROR 0x8004
#define OP_FORKED 0x8005
#define OP_REAPED 0x8006
#define OP_TAKEN 0x8007
#define OP_FEATURE 0x8100
#define OP_MOUNTED 0x8200
#define OP_MOUNTPOINT 0x8201
#define OP_SALVAGE 0x8300
#define OP_REDIRECT 0x8301
#define OP_THROUGH 0x8302
#define OP_WARNING 0x8303
#define OP_NODE 0x8400
#define OP_CONTENT_END 0x8401

/* FORK: mode. */
#define MODE_PROBE 1
#define MODE_MOUNT 2
#define MODE_APPLY 3
#define MODE_SCAN 4
#define MODE_REMOVE 5
#define MODE_SYNC 6

/* START and FORK: flags. */
#define START_USER_NAMESPACE 0x01 /* START: enter a user namespace in which the caller's user is 0 */
#define START_MAP_BY_CALLER 0x02  /* START: the caller writes the id maps of that namespace, see MAP */
#define START_USER_XATTR 0x04 /* overlay's own attributes are user.overlay.*, not trusted.overlay.*; apply and scan */
#define START_ALLOW_WHITEOUT_DEVICE 0x08 /* apply: make a 0/0 character device that is an entry of its own */
#define START_IGNORE_OWNERS 0x10         /* apply: leave every owner as it is */
#define START_NO_OPENAT2 0x20            /* behave as on a kernel without openat2 and fchmodat2; for tests */
#define START_NO_NAMESPACE 0x40          /* confine with chroot alone, as where namespaces are forbidden; for tests */
#define START_ONE_BY_ONE 0x80            /* apply: carry out each entry before the next one; for tests */

/* FORK: tree. */
#define TREE_HOME 0
#define TREE_DIFF 1

/* HELLO: facts. */
#define FACT_PIVOTED 0x01  /* confined in a mount namespace of its own */
#define FACT_CHROOTED 0x02 /* confined by chroot alone */
#define FACT_SECCOMP 0x04  /* system calls are filtered */
#define FACT_OPENAT2 0x08

/* FEATURE: state. */
#define STATE_NO 0
#define STATE_YES 1
#define STATE_UNKNOWN 2

/* MOUNT: flags. */
#define MOUNT_READ_ONLY 0x01
#define MOUNT_PERSISTENT 0x02
#define MOUNT_NODEV 0x04
#define MOUNT_DETACHED 0x08
#define MOUNT_FORCE_NEW 0x10
#define MOUNT_FORCE_CLASSIC 0x20
#define MOUNT_USERXATTR 0x40
#define MOUNT_INDEX_OFF 0x80
#define MOUNT_REDIRECT_NOFOLLOW 0x100
#define MOUNT_METACOPY_OFF 0x200

/* MOUNTED: api. */
#define API_NEW 1
#define API_CLASSIC 2
#define API_FOUND 0x04          /* neither: it was mounted already */
#define API_FOUND_SHARED 0x08   /* and others use it */
#define API_FOUND_OF_STORE 0x10 /* and it is not to outlive those who use it */

/* UNMOUNT: flags. */
#define UNMOUNT_LAZY 0x01
#define UNMOUNT_LEAVE 0x02

/* ENTRY and NODE: type. */
#define TYPE_DIRECTORY 1
#define TYPE_FILE 2
#define TYPE_SYMLINK 3
#define TYPE_HARD_LINK 4
#define TYPE_CHARACTER_DEVICE 5
#define TYPE_BLOCK_DEVICE 6
#define TYPE_FIFO 7
#define TYPE_WHITEOUT 8
#define TYPE_OPAQUE 9
#define TYPE_NOTHING 11 /* apply: removes what is at the path but for a whiteout, without saying so */
#define TYPE_NO_WHITEOUT \
  10 /* apply: removes a whiteout at the path, if there is one, and leaves the times of its directory */

/* SCAN, NAMES, STAT, READ: flags. */
#define SCAN_CONTENT 0x01    /* send the content of regular files, of several names the first only */
#define SCAN_CAPABILITY 0x02 /* send the attribute security.capability */
#define SCAN_ALL_XATTRS 0x04 /* send every attribute but overlay's own, escaped ones under their true name */
#define SCAN_FOLLOW 0x08     /* follow symbolic links on the way, inside the tree */
#define SCAN_TOGETHER 0x10   /* asked together with the request before: what was found on the way to that still holds */
#define SCAN_SUM 0x20        /* send no nodes: only their number and the sum of their sizes are wanted */

/* NODE: marks. */
#define MARK_OPAQUE 0x01
#define MARK_REDIRECT 0x02 /* the entry stands for another one below: the tree alone is not a complete diff */
#define MARK_METACOPY 0x04 /* the file's content is in a lower layer: likewise */
#define MARK_CONTENT 0x08
#define MARK_SEEN 0x10 /* a further name of an inode that this scan has already sent */

/* The source, in mountinfo, of a mount that is not to outlive the process that asked for it. Once that is gone, nobody needs the mount. */
#define SOURCE_OF_STORE "layerstore"

/* WARNING: code. */
#define WARN_XATTR_DROPPED 1  /* by policy: for other file systems only */
#define WARN_XATTR_REFUSED 2  /* by the file system or the kernel */
#define WARN_DEVICE_SKIPPED 3 /* a user namespace cannot make devices */
#define WARN_OWNER_REFUSED 4  /* the user namespace does not have this id */

/* ERROR: code. */
#define CODE_SYSTEM 1          /* a system call failed, see errno */
#define CODE_PROTOCOL 2        /* the Java side sent what makes no sense */
#define CODE_BREAKOUT 3        /* a path leads out of the tree */
#define CODE_NOT_A_DIRECTORY 4 /* a path leads through something that is none */
#define CODE_LINK_LOOP 5       /* a path has too many symbolic links on its way */
#define CODE_MISSING_TARGET 6  /* a hard link to what is not there */
#define CODE_WHITEOUT_DEVICE 7 /* a 0/0 character device, which would delete a path */
#define CODE_BAD_LINK 8        /* a hard link to a directory */
#define CODE_TOO_LONG 9        /* mount data does not fit into one page */
#define CODE_BUSY 10           /* in use */
#define CODE_CROSSES_MOUNT 11  /* something is mounted below what is to be removed */
#define CODE_MISMATCH 12       /* READ: missing, no regular file, or of another size */
#define CODE_BAD_XATTR 13      /* an extended attribute that the kernel takes for malformed; text is its name */
#define CODE_HELD \
  14 /* the overlay of a mount that is or was undone is still in use; text is "device N" if the device is known */
#define CODE_LINK_STEPS \
  15 /* the symbolic links on the ways of many paths lead over too many directories, all together */
#define CODE_ELSEWHERE 16 /* others use a mount of the layer that is not in this mount namespace */

/* Exit status. */
#define EXIT_DONE 0
#define EXIT_FAILED 1
#define EXIT_USAGE 2
#define EXIT_PROTOCOL 3

#endif
