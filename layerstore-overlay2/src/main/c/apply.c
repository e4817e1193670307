/*
 * apply: carries out the operations that make a layer, below one directory.
 *
 * The fewest calls for a file: open, write, look, set times, close; owner and mode only where the look says that they are not right already.
 * Small files are made by two threads (files.h). Parents are looked up once for all files of a directory that come together. Attributes are set
 * in an order in which none undoes another: content, owner (clears setuid and capabilities), extended attributes, mode, times. Times of
 * directories come at the end, because whatever is made in them changes them.
 */
#include "apply.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "calls.h"
#include "confine.h"
#include "files.h"
#include "modes.h"
#include "times.h"
#include "tree.h"
#include "walk.h"
#include "wire.h"
#include "xattr_policy.h"

enum { MODE_BITS = 07777, SPECIAL_BITS = 07000, SALVAGE_BLOCK = 256 * 1024, NANOS = 1000000000 };

static struct {
  const struct start *start;
  struct walk_rules rules;
  const char *opaque_xattr;
  struct place place, target; /* where the last entry went, and the last target of a hard link */
  uint64_t size, entries;
  /* The current entry: what of its frame is needed after the next frame has been read. */
  struct entry entry;
  char path[PATH_MAX], link[PATH_MAX], name[NAME_MAX + 1];
} a;

static struct bytes entry_path(void) { return (struct bytes){(const uint8_t *)a.path, a.entry.path.length}; }

static _Noreturn void refuse_entry(uint16_t code, int error, const char *stage) {
  char path[PATH_MAX];
  size_t length = a.entry.path.length;
  uint32_t sequence = current_sequence;
  memcpy(path, a.path, length);
  settle_files(); /* A file before this entry may fail too, and the first failure counts. */
  current_sequence = sequence;
  fail_code(code, error, stage, path, length);
}

static _Noreturn void fail_entry(const char *stage) { refuse_entry(CODE_SYSTEM, errno, stage); }

static void require_place(uint16_t code) {
  if (code != 0) {
    refuse_entry(code, errno, "follow path");
  }
}

static void warn(uint16_t code, int error, const void *text, size_t length) {
  put_frame(OP_WARNING, current_sequence);
  put_u16(code);
  put_u32((uint32_t)error);
  put_bytes(a.path, a.entry.path.length);
  put_bytes(text, length);
  put_end();
}

/* ---- the current entry ---- */

bool decode_entry(struct cursor *body, struct entry *e) {
  e->type = take_u8(body);
  e->mode = take_u32(body);
  e->uid = take_u32(body);
  e->gid = take_u32(body);
  e->mtime = (int64_t)take_u64(body);
  e->mtime_nanos = take_u32(body);
  e->atime = (int64_t)take_u64(body);
  e->atime_nanos = take_u32(body);
  e->size = take_u64(body);
  e->stored = take_u64(body);
  e->major = take_u32(body);
  e->minor = take_u32(body);
  e->xattrs = take_u16(body);
  e->path = take_bytes(body);
  e->link = take_bytes(body);
  if (!taken(body) || e->type < TYPE_DIRECTORY || e->type > TYPE_NOTHING || (e->mode & ~(uint32_t)MODE_BITS) != 0 ||
      e->uid == UINT32_MAX || e->gid == UINT32_MAX || e->mtime_nanos >= NANOS || e->atime_nanos >= NANOS ||
      e->size > INT64_MAX || e->stored > e->size || (e->size > 0 && e->type != TYPE_FILE) || !is_normal_path(e->path)) {
    return false;
  }
  if (e->path.length == 0 && e->type != TYPE_OPAQUE) {
    return false;
  }
  switch (e->type) {
    case TYPE_SYMLINK:
      return e->link.length > 0 && e->link.length < PATH_MAX && memchr(e->link.at, 0, e->link.length) == NULL;
    case TYPE_HARD_LINK:
      return e->link.length > 0 && is_normal_path(e->link);
    case TYPE_WHITEOUT:
    case TYPE_OPAQUE:
    case TYPE_NO_WHITEOUT:
    case TYPE_NOTHING:
      return e->link.length == 0 && e->xattrs == 0;
    default:
      return e->link.length == 0;
  }
}

static void copy_texts(void) {
  memcpy(a.path, a.entry.path.at, a.entry.path.length);
  a.path[a.entry.path.length] = 0;
  memcpy(a.link, a.entry.link.at, a.entry.link.length);
  a.link[a.entry.link.length] = 0;
}

static void decode(const struct frame *f) {
  struct cursor body = f->body;
  if (!decode_entry(&body, &a.entry)) {
    protocol_error(f->sequence, "ENTRY");
  }
  copy_texts();
}

/* Settles what waits, and makes the entry of `f` the current one again. */
static void settle_before(const struct frame *f) {
  if (files_wait()) {
    settle_files();
    current_sequence = f->sequence;
    decode(f);
  }
}

/* ---- what is in the way ---- */

static void tell_path(uint16_t opcode, const char *path, size_t length) {
  put_frame(opcode, current_sequence);
  put_bytes(path, length);
  put_end();
}

/* Hands the content of a file back before it is gone. */
static void salvage(int directory, const char *name, uint64_t size, const char *path, size_t length) {
  put_frame(OP_SALVAGE, current_sequence);
  put_u64(size);
  put_bytes(path, length);
  put_end();
  if (size == 0) {
    return;
  }
  int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) {
    fail("read file that is replaced", path, length);
  }
  for (uint64_t offset = 0; offset < size;) {
    put_frame(OP_DATA, current_sequence);
    put_u64(offset);
    size_t wanted = size - offset < SALVAGE_BLOCK ? (size_t)(size - offset) : SALVAGE_BLOCK;
    ssize_t got = read(fd, put_reserve(wanted), wanted);
    if (got <= 0) {
      errno = got == 0 ? ESTALE : errno;
      fail("read file that is replaced", path, length);
    }
    put_commit((size_t)got);
    put_end();
    offset += (uint64_t)got;
  }
  close(fd);
}

static void before_removing(void *context, int directory, const char *name, const struct stat *st, const char *path,
                            size_t length) {
  (void)context;
  if (S_ISREG(st->st_mode)) {
    salvage(directory, name, (uint64_t)st->st_size, path, length);
  } else if (S_ISLNK(st->st_mode)) {
    tell_path(OP_REDIRECT, path, length);
  }
  if ((S_ISREG(st->st_mode) || S_ISLNK(st->st_mode)) && st->st_nlink == 1) {
    /* What an earlier archive or a mount left in a read-write layer was never counted. */
    a.size -= a.size < (uint64_t)st->st_size ? a.size : (uint64_t)st->st_size;
  }
}

/* What before_removing gets has a path that begins with the name; this puts the real directory before it. */
static void before_removing_below(void *context, int directory, const char *name, const struct stat *st,
                                  const char *path, size_t length) {
  char full[PATH_MAX];
  (void)length;
  size_t full_length = real_path(&a.place, path, full, sizeof full);
  before_removing(context, directory, name, st, full, full_length);
}

/* Removes whatever has the current entry's name. */
static void clear_way(void) {
  struct stat st;
  if (fstatat(a.place.fd, a.name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
    fail_entry("look at what is in the way");
  }
  struct removal result;
  remove_tree(a.place.fd, a.name, before_removing_below, NULL, &result);
  if (result.error != 0) {
    fail_code(CODE_SYSTEM, result.error, result.stage, a.path, a.entry.path.length);
  }
  if (!S_ISREG(st.st_mode)) {
    /* The directory of the last link target may be gone, or be reached another way now. */
    forget(&a.target);
    /* The entry's own parent is where it was, but a link that led there may be gone. */
    if (a.place.through_link) {
      expire(&a.place);
    }
  }
}

/* ---- attributes ---- */

static bool owner_differs(const struct stat *st) {
  return (a.start->flags & START_IGNORE_OWNERS) == 0 && (st->st_uid != a.entry.uid || st->st_gid != a.entry.gid);
}

/* Whether the user namespace has no such id; everything else that goes wrong with an owner is a failure. */
static void owner_refused(void) {
  if (errno != EINVAL || (a.start->flags & START_USER_NAMESPACE) == 0) {
    fail_entry("set owner");
  }
  char text[64];
  int length = snprintf(text, sizeof text, "%u:%u", a.entry.uid, a.entry.gid);
  warn(WARN_OWNER_REFUSED, EINVAL, text, (size_t)length);
}

static void split_times(struct timespec times[2]) {
  times[0] = (struct timespec){.tv_sec = a.entry.atime, .tv_nsec = a.entry.atime_nanos};
  times[1] = (struct timespec){.tv_sec = a.entry.mtime, .tv_nsec = a.entry.mtime_nanos};
}

/* Reads the XATTR frames of the entry and sets them on `fd`, or on the current name in the working directory if it is -1. */
static void set_xattrs(int fd) {
  for (unsigned i = 0; i < a.entry.xattrs; i++) {
    struct frame f;
    wire_expect(&f, OP_XATTR);
    struct bytes name = take_bytes(&f.body);
    struct bytes value = take_exactly(&f.body, take_u32(&f.body));
    char stored[XATTR_NAME_SIZE];
    if (!taken(&f.body) || !is_xattr_name(name)) {
      protocol_error(f.sequence, "XATTR");
    }
    if (!stored_xattr_name(name, stored)) {
      warn(WARN_XATTR_DROPPED, 0, name.at, name.length);
      continue;
    }
    int failed = fd >= 0 ? fsetxattr(fd, stored, value.at, value.length, 0)
                         : lsetxattr(a.name, stored, value.at, value.length, 0);
    if (failed == 0) {
      continue;
    }
    /* Docker ignores these two as well; EINVAL is a capability or ACL with an id that the user namespace does not have. */
    bool namespaced = errno == EINVAL && (a.start->flags & START_USER_NAMESPACE) != 0;
    if (errno != EPERM && errno != EOPNOTSUPP && !namespaced && !is_label(stored)) {
      uint16_t code = errno == EINVAL ? CODE_BAD_XATTR : CODE_SYSTEM;
      report(code, errno, "set extended attribute", a.path, a.entry.path.length, stored);
      wire_flush();
      quit(EXIT_FAILED);
    }
    warn(WARN_XATTR_REFUSED, errno, name.at, name.length);
  }
}

/* Never opens what it changes: a device could act on it, a FIFO block. */
static int change_mode(void) {
  int result = sys_fchmodat2(a.place.fd, a.name, a.entry.mode, AT_SYMLINK_NOFOLLOW);
  /* Linux before 6.6. The name is no link, and nobody else can put one there; even so it would not lead out of this root. */
  bool is_old = result != 0 && (errno == ENOSYS || errno == EPERM);
  return is_old ? fchmodat(a.place.fd, a.name, a.entry.mode, 0) : result;
}

/* Sets the attributes of what is open, or of the current name if `fd` is -1; times only if wanted. The mode of a symbolic link is none. */
static void finish(int fd, bool with_times) {
  struct stat st;
  bool is_open = fd >= 0;
  if ((is_open ? fstat(fd, &st) : fstatat(a.place.fd, a.name, &st, AT_SYMLINK_NOFOLLOW)) != 0) {
    fail_entry("look at file");
  }
  bool mode_lost = (st.st_mode & MODE_BITS) != a.entry.mode;
  if (owner_differs(&st)) {
    uid_t uid = a.entry.uid;
    gid_t gid = a.entry.gid;
    if ((is_open ? fchown(fd, uid, gid) : fchownat(a.place.fd, a.name, uid, gid, AT_SYMLINK_NOFOLLOW)) != 0) {
      owner_refused();
    }
    mode_lost = mode_lost || (a.entry.mode & SPECIAL_BITS) != 0;
  }
  if (a.entry.xattrs > 0) {
    if (!is_open && fchdir(a.place.fd) != 0) {
      fail_entry("enter directory");
    }
    set_xattrs(fd);
    mode_lost = true; /* An access control list among them changes it. */
  }
  if (mode_lost && !S_ISLNK(st.st_mode) && (is_open ? fchmod(fd, a.entry.mode) : change_mode()) != 0) {
    fail_entry("set mode");
  }
  struct timespec times[2];
  split_times(times);
  if (with_times && (is_open ? futimens(fd, times) : utimensat(a.place.fd, a.name, times, AT_SYMLINK_NOFOLLOW)) != 0) {
    fail_entry("set times");
  }
}

/* ---- one function per type ---- */

static bool is_whiteout(const struct stat *st) { return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0); }

/* Makes the entry with `make`, after removing what is in the way. */
static int try_to_make(int (*make)(void)) {
  int result = make();
  if (result < 0 && errno == EEXIST) {
    clear_way();
    result = make();
  }
  return result;
}

static int make_new(int (*make)(void), const char *stage) {
  int result = try_to_make(make);
  if (result < 0) {
    fail_entry(stage);
  }
  return result;
}

static int make_file(void) {
  return openat(a.place.fd, a.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, a.entry.mode);
}
static int make_symlink(void) { return symlinkat(a.link, a.place.fd, a.name); }
static int make_link(void) {
  char name[NAME_MAX + 1];
  struct bytes target = {(const uint8_t *)a.link, a.entry.link.length};
  struct walk_rules rules = a.rules;
  rules.create = false;
  uint16_t code = walk_parent(&a.target, &rules, target, name);
  if (code != 0) {
    refuse_entry(code == CODE_SYSTEM && errno == ENOENT ? CODE_MISSING_TARGET : code, errno,
                 "follow path of link target");
  }
  struct stat st;
  if (fstatat(a.target.fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_whiteout(&st)) {
    /* To the layer there is nothing at that path, and a second whiteout would delete what the archive does not say. */
    refuse_entry(CODE_MISSING_TARGET, ENOENT, "make hard link");
  }
  int result = linkat(a.target.fd, name, a.place.fd, a.name, 0);
  if (result < 0 && errno == ENOENT) {
    refuse_entry(CODE_MISSING_TARGET, ENOENT, "make hard link");
  }
  if (result < 0 && errno == EPERM && fstatat(a.target.fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
      S_ISDIR(st.st_mode)) {
    refuse_entry(CODE_BAD_LINK, EPERM, "make hard link");
  }
  return result;
}
static int make_node(void) {
  static const mode_t types[] = {
      [TYPE_CHARACTER_DEVICE] = S_IFCHR, [TYPE_BLOCK_DEVICE] = S_IFBLK, [TYPE_FIFO] = S_IFIFO};
  return mknodat(a.place.fd, a.name, types[a.entry.type] | a.entry.mode, makedev(a.entry.major, a.entry.minor));
}
static int make_directory(void) { return mkdirat(a.place.fd, a.name, a.entry.mode & 0777); }

static void write_at(int fd, struct bytes data, uint64_t offset) {
  for (size_t done = 0; done < data.length;) {
    ssize_t wrote = pwrite(fd, data.at + done, data.length - done, (off_t)(offset + done));
    if (wrote < 0 && errno != EINTR) {
      fail_entry("write file");
    }
    done += wrote < 0 ? 0 : (size_t)wrote;
  }
}

/* Reads the DATA frames of the entry. */
static void write_data(int fd) {
  uint64_t end = 0, left = a.entry.stored;
  while (left > 0) {
    struct frame f;
    wire_expect(&f, OP_DATA);
    uint64_t offset = take_u64(&f.body);
    struct bytes data = take_rest(&f.body);
    if (!taken(&f.body) || data.length == 0 || data.length > left || offset < end || offset > a.entry.size ||
        data.length > a.entry.size - offset) {
      protocol_error(f.sequence, "DATA");
    }
    write_at(fd, data, offset);
    end = offset + data.length;
    left -= data.length;
  }
  if (end < a.entry.size && ftruncate(fd, (off_t)a.entry.size) != 0) {
    fail_entry("set file size");
  }
}

/* With the content, or null if that is still to come. */
static void apply_file(const struct bytes *content) {
  int fd = make_new(make_file, "create file");
  if (content != NULL) {
    write_at(fd, *content, 0);
  } else {
    write_data(fd);
  }
  a.size += a.entry.size;
  finish(fd, true);
  if (close(fd) != 0) {
    fail_entry("close file");
  }
}

/* A file that waited is the current entry once more if it could not simply be made. */
static void file_has_settled(const struct new_file *file) {
  if (file->is_made) {
    a.size += file->entry.size;
    return;
  }
  a.entry = file->entry;
  copy_texts();
  current_sequence = file->sequence;
  require_place(walk_parent(&a.place, &a.rules, entry_path(), a.name));
  apply_file(&file->content);
}

static void apply_directory(const struct frame *f) {
  struct stat st;
  bool kept = false;
  int made = make_directory();
  if (made != 0 && errno == EEXIST && files_wait()) {
    settle_before(f); /* Some may be in it, and have its group. */
    require_place(walk_parent(&a.place, &a.rules, entry_path(), a.name));
    made = make_directory();
  }
  if (made != 0) {
    if (errno != EEXIST) {
      fail_entry("create directory");
    }
    kept = fstatat(a.place.fd, a.name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
    if (!kept) {
      make_new(make_directory, "create directory");
    }
  }
  if (a.entry.xattrs == 0 && !kept && (a.entry.mode & SPECIAL_BITS) == 0 &&
      fstatat(a.place.fd, a.name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !owner_differs(&st) &&
      (st.st_mode & MODE_BITS) == a.entry.mode) {
    /* Right as it is, the most frequent case. */
  } else {
    int fd = openat(a.place.fd, a.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
      fail_entry("open directory");
    }
    finish(fd, false);
    close(fd);
  }
  char real[PATH_MAX];
  struct timespec times[2];
  split_times(times);
  if (!remember_times(real, real_path(&a.place, a.name, real, sizeof real), times)) {
    fail_entry("keep times of directory");
  }
}

/* A user namespace cannot make devices; the Java side keeps what is said of this one. */
static void skip_device(void) {
  warn(WARN_DEVICE_SKIPPED, EPERM, "", 0);
  for (unsigned i = 0; i < a.entry.xattrs; i++) {
    struct frame f;
    wire_expect(&f, OP_XATTR);
  }
}

/* What is made by one call and has no content. */
static void apply_name(void) {
  static const struct {
    int (*make)(void);
    const char *stage;
  } kinds[] = {
      [TYPE_SYMLINK] = {make_symlink, "create symbolic link"},
      [TYPE_HARD_LINK] = {make_link, "make hard link"},
      [TYPE_CHARACTER_DEVICE] = {make_node, "create device"},
      [TYPE_BLOCK_DEVICE] = {make_node, "create device"},
      [TYPE_FIFO] = {make_node, "create device"},
  };
  uint8_t type = a.entry.type;
  bool deletes = type == TYPE_CHARACTER_DEVICE && a.entry.major == 0 && a.entry.minor == 0;
  if (deletes && (a.start->flags & START_ALLOW_WHITEOUT_DEVICE) == 0) {
    refuse_entry(CODE_WHITEOUT_DEVICE, 0, "create device");
  }
  if (try_to_make(kinds[type].make) < 0) {
    if (kinds[type].make == make_node && errno == EPERM && (a.start->flags & START_USER_NAMESPACE) != 0) {
      skip_device();
      return;
    }
    fail_entry(kinds[type].stage);
  }
  a.size += type == TYPE_SYMLINK ? a.entry.link.length : 0;
  finish(-1, true);
}

/* Removes what was in a read-write layer before this archive; a whiteout stays. */
static void remove_old(void) {
  struct walk_rules rules = a.rules;
  rules.create = false;
  uint16_t code = walk_parent(&a.place, &rules, entry_path(), a.name);
  struct stat st;
  if (code == CODE_NOT_A_DIRECTORY || (code == CODE_SYSTEM && errno == ENOENT)) {
    return;
  }
  require_place(code);
  if (fstatat(a.place.fd, a.name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) {
      return;
    }
    fail_entry("look at what is deleted");
  }
  if (is_whiteout(&st)) {
    return;
  }
  struct removal result;
  remove_tree(a.place.fd, a.name, NULL, NULL, &result);
  if (result.error != 0) {
    fail_code(CODE_SYSTEM, result.error, result.stage, a.path, a.entry.path.length);
  }
  forget(&a.target);
  forget(&a.place); /* a link on the way may be gone */
  expire(&a.place);
}

/* Takes a whiteout away that hides nothing; what else is there stays, and the directory keeps its times. */
static void take_whiteout(void) {
  struct walk_rules rules = a.rules;
  rules.create = false;
  rules.follow = false;
  require_place(walk_parent(&a.place, &rules, entry_path(), a.name));
  struct stat directory, st;
  if (fstat(a.place.fd, &directory) != 0 || fstatat(a.place.fd, a.name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
    fail_entry("look at whiteout");
  }
  if (!is_whiteout(&st)) {
    return;
  }
  struct timespec times[2] = {directory.st_atim, directory.st_mtim};
  if (unlinkat(a.place.fd, a.name, 0) != 0 || utimensat(a.place.fd, ".", times, 0) != 0) {
    fail_entry("remove whiteout");
  }
}

static void mark_opaque(int directory) {
  if (fchdir(directory) != 0 || lsetxattr(".", a.opaque_xattr, "y", 1, 0) != 0) {
    fail_entry("mark directory opaque");
  }
}

/*
 * What this archive has at the path already stays: it hides what is below anyway, and a directory does so once it is opaque. Docker refuses such
 * an archive, for it makes the device without looking.
 */
static void apply_whiteout(void) {
  if (mknodat(a.place.fd, a.name, S_IFCHR, makedev(0, 0)) != 0) {
    struct stat st;
    if (errno != EEXIST || fstatat(a.place.fd, a.name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
      fail_entry("create whiteout");
    }
    if (S_ISDIR(st.st_mode)) {
      int fd = openat(a.place.fd, a.name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      if (fd < 0) {
        fail_entry("open directory");
      }
      mark_opaque(fd);
      close(fd);
    }
    return;
  }
  struct stat st;
  if (fstatat(a.place.fd, a.name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
    fail_entry("look at file");
  }
  if (owner_differs(&st) && fchownat(a.place.fd, a.name, a.entry.uid, a.entry.gid, AT_SYMLINK_NOFOLLOW) != 0) {
    owner_refused();
  }
}

/* ---- the conversation ---- */

/* Whether the current entry is a file that can wait: without attributes, and all of its content is here. */
static bool can_wait(struct bytes *content) {
  struct frame f;
  const struct entry *e = &a.entry;
  if (e->type != TYPE_FILE || e->xattrs > 0 || e->stored != e->size || (a.start->flags & START_ONE_BY_ONE) != 0) {
    return false;
  }
  *content = (struct bytes){NULL, 0};
  if (e->size == 0) {
    return true;
  }
  if (!wire_peek(&f) || f.opcode != OP_DATA || take_u64(&f.body) != 0) {
    return false;
  }
  *content = take_rest(&f.body);
  return content->length == e->size;
}

static void tell_real_path(void) {
  if (a.place.through_link) {
    char real[PATH_MAX];
    size_t length = real_path(&a.place, a.name, real, sizeof real);
    put_frame(OP_THROUGH, current_sequence);
    put_bytes(a.path, a.entry.path.length);
    put_bytes(real, length);
    put_u64(a.entry.type == TYPE_FILE ? a.entry.size : 0);
    put_end();
  }
}

static void apply_entry(const struct frame *f) {
  struct bytes content;
  decode(f);
  a.entries++;
  bool waits = can_wait(&content);
  bool is_alone = !waits && (a.entry.type != TYPE_DIRECTORY || a.entry.xattrs > 0);
  if (is_alone || must_settle_before(entry_path()) || !walk_parent_at_once(&a.place, &a.rules, entry_path()) ||
      a.place.through_link) {
    settle_before(f);
  }
  if (a.entry.type == TYPE_OPAQUE) {
    require_place(walk_directory(&a.place, &a.rules, entry_path()));
    mark_opaque(a.place.fd);
    return;
  }
  if (a.entry.type == TYPE_NO_WHITEOUT) {
    take_whiteout();
    return;
  }
  if (a.entry.type == TYPE_NOTHING) {
    remove_old();
    return;
  }
  require_place(walk_parent(&a.place, &a.rules, entry_path(), a.name));
  if (waits && !a.place.through_link) {
    struct frame data;
    if (content.length > 0) {
      wire_expect(&data, OP_DATA);
    }
    add_file(&a.entry, f->sequence, content, &a.place, a.name);
    return;
  }
  switch (a.entry.type) {
    case TYPE_DIRECTORY:
      apply_directory(f);
      break;
    case TYPE_FILE:
      apply_file(NULL);
      break;
    case TYPE_WHITEOUT:
      apply_whiteout();
      break;
    default:
      apply_name();
  }
  tell_real_path();
}

int apply_conversation(const struct start *start, int root) {
  memset(&a, 0, sizeof a);
  a.start = start;
  a.opaque_xattr = (start->flags & START_USER_XATTR) != 0 ? "user.overlay.opaque" : "trusted.overlay.opaque";
  a.rules = (struct walk_rules){root, true, true, start->root_uid, start->root_gid, a.opaque_xattr};
  a.place.fd = a.target.fd = -1;
  begin_times(root);
  begin_files((start->flags & START_IGNORE_OWNERS) != 0, file_has_settled);
  wire_before_reuse(settle_files);
  struct frame f;
  while (wire_next(&f)) {
    current_sequence = f.sequence;
    if (f.opcode == OP_ENTRY) {
      apply_entry(&f);
    } else if (f.opcode == OP_FINISH && taken(&f.body)) {
      settle_files();
      current_sequence = f.sequence;
      set_times(&a.rules, &a.place);
      put_done(f.sequence, a.size, a.entries);
      break;
    } else {
      protocol_error(f.sequence, "frame out of turn");
    }
  }
  wire_flush();
  return EXIT_DONE;
}

int apply_mode(const struct start *start) {
  uint32_t facts;
  int root = confine(start, CAPABILITIES_APPLY, start_second_thread, &facts);
  say_hello(facts);
  return apply_conversation(start, root);
}
