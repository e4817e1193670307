/*
 * The conversation between the Java side and layerstore-helper: the one place where it is written down, for both sides. A test of the Java
 * side reads the constants below and compares them with its own.
 *
 *
 * One conversation, one process
 *
 * The helper is started as `layerstore-helper MODE`, where MODE is probe, mount, apply, scan, remove or sync; a process has one mode for its whole
 * life. (`enter` is none of them: it has no conversation, see enter.c.) It reads frames from standard input and writes frames to standard output. The end of standard input ends it, wherever it is; so the
 * death of the JVM does. Standard error carries at most a few lines for people.
 *
 *
 * Frames
 *
 *     u32 length      of the body, in bytes
 *     u16 opcode
 *     u16 zero
 *     u32 sequence    chosen by the Java side; an answer carries that of its question
 *     u8  body[length]
 *
 * Integers are little-endian and of fixed width. `bytes` below is a u16 length and as many bytes: a name, a path, a text. Paths are relative
 * to the tree the conversation is about, in normalised form: no leading, trailing or double slash, no "." or ".." part, no NUL; the empty path is
 * the tree itself. Every body is at most FRAME_LIMIT bytes long, but for DATA and XATTR frames, which may have BULK_LIMIT.
 *
 * An unknown opcode, a body that is too long, too short or has bytes left over, a number out of its range, a frame that does not fit the state
 * of the conversation, or an end of input inside a frame: the helper reports CODE_PROTOCOL, if it still can, and ends with EXIT_PROTOCOL. The Java side
 * treats such frames the same way: it kills the helper.
 *
 *
 * Beginning, same in every mode
 *
 *     START   u32 version, u32 flags, u32 rootUid, u32 rootGid, u64 maxFileSize, u8 tree, bytes home, bytes id
 *             home is an absolute path; tree and id say which directory the conversation is about: <home>/<id>/diff with TREE_DIFF, home
 *             itself with TREE_HOME and an empty id. rootUid and rootGid own the directories that the helper makes. maxFileSize
 *             limits every single file, 0 for no limit.
 *     MAP     u32 pid                                  answer, only with START_MAP_BY_CALLER: the helper has entered a user namespace and
 *                                                      waits for its id maps to be written
 *     MAPPED  -                                        they are written
 *     HELLO   u32 version, u32 pid, u32 facts          answer: ready; facts are FACT_ bits
 *
 *
 * probe
 *
 *     PROBE   -
 *     FEATURE bytes name, u8 state, bytes evidence     any number; state is STATE_NO, STATE_YES or STATE_UNKNOWN
 *     DONE    u64 0, u64 0
 *
 *
 * mount: any number of requests, each answered before the next is read
 *
 *     MOUNT   u32 flags, bytes id, bytes label, u16 count, count times bytes link
 *             Mounts the layer id at <id>/merged, which is made. The links are names in l/, nearest layer first. With MOUNT_READ_ONLY the layer's own diff
 *             is the topmost lower layer, and count can be 0; else it is the upper one and <id>/work the work directory. CODE_HELD: an overlay that
 *             is mounted nowhere in sight has this upper directory.
 *     MOUNTED u8 api, i32 descriptor                   api is API_NEW or API_CLASSIC; descriptor is -1 unless MOUNT_DETACHED: then nothing is
 *                                                      attached anywhere, and the tree is /proc/<pid>/fd/<descriptor> until RELEASE
 *     UNMOUNT u32 flags, bytes id                      UNMOUNT_LAZY: as soon as nobody uses it any more. Else CODE_BUSY if
 *                                                      somebody uses it here, CODE_HELD if elsewhere, or uses one that was undone lazily
 *     RELEASE i32 descriptor
 *     LIST    -
 *     MOUNTPOINT  u32 mountId, u32 major, u32 minor, bytes type, bytes source, bytes path     any number: mounts at or below home; path is relative to it
 *     DONE    u64 0, u64 0                             answer to UNMOUNT, RELEASE and LIST
 *
 * A request that fails is answered with ERROR and changes nothing; the conversation goes on. At the end of input every mount that was not made
 * with MOUNT_PERSISTENT is undone lazily.
 *
 *
 * apply: a stream of operations, carried out in order, without an answer to each
 *
 *     ENTRY   u8 type, u32 mode, u32 uid, u32 gid, i64 mtime, u32 mtimeNanos, i64 atime, u32 atimeNanos, u64 size, u64 stored, u32 major,
 *             u32 minor, u16 xattrs, bytes path, bytes link
 *             type is a TYPE_ constant. size and stored are for files: logical size, and the number of bytes in the DATA frames that follow.
 *             link is the text of a symbolic link, or the path that a hard link is a further name of. Directly after it: the DATA frames, then
 *             as many XATTR frames as xattrs says. Of a whiteout only the path and the owner count, of an opaque mark and of
 *             TYPE_NO_WHITEOUT and TYPE_NOTHING only the path.
 *     DATA    u64 offset, u8 bytes[]                   bytes of the file, offsets ascending; what is left out is a hole
 *     XATTR   bytes name, u32 length, u8 value[length]
 *     FINISH  -                                        sets the times of directories; answered with DONE u64 size, u64 entries
 *
 * On its own account the helper sends, with the sequence number of the ENTRY that caused it:
 *
 *     SALVAGE  u64 size, bytes path                    this regular file is about to be destroyed; its content follows in DATA frames
 *     REDIRECT bytes path                              this symbolic link is about to be removed or replaced
 *     THROUGH  bytes path, bytes real, u64 size        links led the entry to real; size is that of a file, else 0
 *     WARNING  u16 code, u32 errno, bytes path, bytes text      something of the entry is not kept; code is a WARN_ constant
 *
 * FINISH is the last frame. The first failure is reported with ERROR and ends the process.
 *
 *
 * scan: any number of requests, each answered before the next is read
 *
 *     SCAN    u32 flags, bytes path                    everything below path, depth first, names in the order of their bytes
 *     NAMES   u32 flags, bytes path                    what is directly in path, in the same order
 *     STAT    u32 flags, bytes path                    path itself
 *     READ    u32 flags, u64 size, bytes path          the content of a regular file of that size, or ERROR; SCAN_FOLLOW: symbolic links on the
 *                                                      way are followed inside the tree
 *     NODE    u8 type, u32 mode, u32 uid, u32 gid, u32 links, u64 device, u64 inode, u64 size, i64 mtime, u32 mtimeNanos, i64 ctime,
 *             u32 ctimeNanos, u32 major, u32 minor, u32 marks, u16 xattrs, bytes path, bytes link
 *             type as in ENTRY, a 0/0 character device as TYPE_WHITEOUT; marks are MARK_ bits. Directly after it the XATTR frames, and, if MARK_CONTENT
 *             is set, DATA frames and CONTENT_END. Sockets are left out.
 *     DATA    u64 offset, u8 bytes[]
 *     CONTENT_END  u8 changed                          1 if the file changed under the read, so that its bytes are worth nothing
 *     DONE    u64 nodes, u64 bytes                     bytes is the sum of the sizes of files and symbolic links, each inode once
 *
 *
 * remove
 *
 *     REMOVE  bytes id                                 deletes <home>/<id> and everything below; answered with DONE u64 removed, u64 0, or ERROR
 *
 *
 * sync
 *
 *     SYNC    -                                        forces the file system that holds home to the disk; answered with DONE u64 0, u64 0
 *
 *
 * Failure
 *
 *     ERROR   u16 code, u32 errno, bytes stage, bytes path, bytes text
 *             code is a CODE_ constant, errno that of the system call that failed or 0, stage what was being done, path to what; text adds what
 *             the kernel said.
 */
#ifndef LAYERSTORE_PROTOCOL_H
#define LAYERSTORE_PROTOCOL_H

#define PROTOCOL_VERSION 1

#define HEADER_SIZE 12
#define FRAME_LIMIT 65536
#define BULK_LIMIT 1048576

/* From the Java side. */
#define OP_START 0x0001
#define OP_MAPPED 0x0002
#define OP_DATA 0x0003
#define OP_XATTR 0x0004
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
#define OP_SYNC 0x0600

/* From the helper; DATA and XATTR go both ways. */
#define OP_HELLO 0x8001
#define OP_MAP 0x8002
#define OP_DONE 0x8003
#define OP_ERROR 0x8004
#define OP_FEATURE 0x8100
#define OP_MOUNTED 0x8200
#define OP_MOUNTPOINT 0x8201
#define OP_SALVAGE 0x8300
#define OP_REDIRECT 0x8301
#define OP_THROUGH 0x8302
#define OP_WARNING 0x8303
#define OP_NODE 0x8400
#define OP_CONTENT_END 0x8401

/* START: flags. */
#define START_USER_NAMESPACE 0x01 /* enter a user namespace in which the caller's user is 0 */
#define START_MAP_BY_CALLER 0x02  /* the caller writes the id maps of that namespace, see MAP */
#define START_USER_XATTR 0x04     /* overlay's own attributes are user.overlay.*, not trusted.overlay.*; apply and scan */
#define START_ALLOW_WHITEOUT_DEVICE 0x08 /* apply: make a 0/0 character device that is an entry of its own */
#define START_IGNORE_OWNERS 0x10  /* apply: leave every owner as it is */
#define START_NO_OPENAT2 0x20     /* behave as on a kernel without openat2 and fchmodat2; for tests */
#define START_NO_NAMESPACE 0x40   /* confine with chroot alone, as where namespaces are forbidden; for tests */

/* START: tree. */
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

/* UNMOUNT: flags. */
#define UNMOUNT_LAZY 0x01

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
#define TYPE_NOTHING 11    /* apply: removes what is at the path but for a whiteout, without saying so */
#define TYPE_NO_WHITEOUT 10 /* apply: removes a whiteout at the path, if there is one, and leaves the times of its directory */

/* SCAN, NAMES, STAT, READ: flags. */
#define SCAN_CONTENT 0x01       /* send the content of regular files, of several names the first only */
#define SCAN_CAPABILITY 0x02    /* send the attribute security.capability */
#define SCAN_ALL_XATTRS 0x04    /* send every attribute but overlay's own, escaped ones under their true name */
#define SCAN_FOLLOW 0x08        /* follow symbolic links on the way, inside the tree */

/* NODE: marks. */
#define MARK_OPAQUE 0x01
#define MARK_REDIRECT 0x02 /* the entry stands for another one below: the tree alone is not a complete diff */
#define MARK_METACOPY 0x04 /* the file's content is in a lower layer: likewise */
#define MARK_CONTENT 0x08
#define MARK_SEEN 0x10     /* a further name of an inode that this scan has already sent */

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
#define CODE_HELD 14           /* the overlay of a mount that is or was undone is still in use; text is "device N" if the device is known */
#define CODE_LINK_STEPS 15     /* the symbolic links on the ways of many paths lead over too many directories, all together */

/* Exit status. */
#define EXIT_DONE 0
#define EXIT_FAILED 1
#define EXIT_USAGE 2
#define EXIT_PROTOCOL 3

#endif
