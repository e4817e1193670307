/* scan: gives out what is in a tree, whole or piece by piece. Never follows anything, but for READ on request. */
#include "scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "calls.h"
#include "confine.h"
#include "modes.h"
#include "seen.h"
#include "tree.h"
#include "walk.h"
#include "wire.h"
#include "xattr_policy.h"

enum {
  BATCH = 65536,
  CONTENT_BLOCK = 256 * 1024,
  WINDOW = 32, /* directories on the way that are open at a time */
  MAX_XATTRS = 4096,
  XATTR_LIST = 65536, /* what the kernel limits lists and values to */
  XATTR_VALUE = 65536,
  MAX_PATH = FRAME_LIMIT / 2 - 1024,
};

/* A directory on the way: its names in order. */
struct level {
  int fd; /* -1 if closed, because too many below it are open */
  dev_t device;
  ino_t inode;
  size_t path_length; /* of the path up to and with this directory */
  char *names;        /* each ended by NUL */
  char **sorted;
  size_t count, next;
};

static struct {
  const char *overlay; /* how overlay's own attributes begin */
  bool hides_marks;    /* whether these attributes are overlay's own in this tree */
  struct walk_rules rules;
  struct place place;
  bool place_follows; /* whether the walk to it followed links */
  uint32_t flags;
  uint64_t nodes, bytes;
  struct level *levels;
  size_t depth, levels_size;
  char path[MAX_PATH + NAME_MAX + 2];
  size_t path_length;
  bool is_cwd; /* whether the working directory is the current level */
} s;

static _Noreturn void fail_here(const char *stage) { fail(stage, s.path, s.path_length); }

static void *grow(void *old, size_t size) {
  void *grown = realloc(old, size);
  if (grown == NULL) {
    fail_here("read directory");
  }
  return grown;
}

/* ---- one node ---- */

/* The attributes of the current node that are to be sent, as stored. */
static struct {
  unsigned count;
  uint32_t marks;
  const char *names[MAX_XATTRS];
  char list[XATTR_LIST];
} x;

static bool is_mark(const char *stored, const char *mark) {
  size_t length = strlen(s.overlay);
  return s.hides_marks && strncmp(stored, s.overlay, length) == 0 && strcmp(stored + length, mark) == 0;
}

/* The name under which an attribute is sent; NULL if it is not. `name` is room for it. */
static const char *shown_name(const char *stored, char name[XATTR_NAME_SIZE]) {
  bool is_plain = !s.hides_marks && strncmp(stored, s.overlay, strlen(s.overlay)) == 0;
  return is_plain ? stored : true_xattr_name(stored, s.overlay, name);
}

static bool is_wanted(const char *stored) {
  char name[XATTR_NAME_SIZE];
  if ((s.flags & SCAN_ALL_XATTRS) != 0) {
    return shown_name(stored, name) != NULL;
  }
  return (s.flags & SCAN_CAPABILITY) != 0 && strcmp(stored, "security.capability") == 0;
}

static void note_xattr(const char *name, const char *stored) {
  char value[2];
  if (is_mark(stored, "opaque")) {
    /* Only this one value counts; "x" marks a directory that may hold whiteouts of another kind. */
    bool opaque = lgetxattr(name, stored, value, sizeof value) == 1 && value[0] == 'y';
    x.marks |= opaque ? MARK_OPAQUE : 0;
  } else if (is_mark(stored, "redirect")) {
    x.marks |= MARK_REDIRECT;
  } else if (is_mark(stored, "metacopy")) {
    x.marks |= MARK_METACOPY;
  } else if (is_wanted(stored) && x.count < MAX_XATTRS) {
    x.names[x.count++] = stored;
  }
}

/* Reads the names of the attributes of `name` in `directory`, which becomes the working directory: attributes can only be had by path. */
static void list_xattrs(int directory, const char *name) {
  x.count = 0;
  x.marks = 0;
  if (!s.is_cwd && fchdir(directory) != 0) {
    fail_here("enter directory");
  }
  s.is_cwd = true;
  ssize_t length = llistxattr(name, x.list, sizeof x.list);
  if (length < 0 && errno != EOPNOTSUPP && errno != EPERM && errno != ENOENT) {
    fail_here("list extended attributes");
  }
  for (ssize_t at = 0; at < length; at += (ssize_t)strlen(x.list + at) + 1) {
    note_xattr(name, x.list + at);
  }
}

static void send_xattrs(const char *name) {
  static char value[XATTR_VALUE];
  for (unsigned i = 0; i < x.count; i++) {
    char true_name[XATTR_NAME_SIZE];
    ssize_t length = lgetxattr(name, x.names[i], value, sizeof value);
    if (length < 0) {
      fail_here("read extended attribute");
    }
    put_frame(OP_XATTR, current_sequence);
    put_text(shown_name(x.names[i], true_name));
    put_u32((uint32_t)length);
    put_raw(value, (size_t)length);
    put_end();
  }
}

static uint8_t type_of(const struct stat *st) {
  switch (st->st_mode & S_IFMT) {
    case S_IFDIR:
      return TYPE_DIRECTORY;
    case S_IFREG:
      return TYPE_FILE;
    case S_IFLNK:
      return TYPE_SYMLINK;
    case S_IFCHR:
      return st->st_rdev == makedev(0, 0) ? TYPE_WHITEOUT : TYPE_CHARACTER_DEVICE;
    case S_IFBLK:
      return TYPE_BLOCK_DEVICE;
    case S_IFIFO:
      return TYPE_FIFO;
    default:
      return 0; /* a socket */
  }
}

static int open_file(int directory, const char *name) {
  int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  int fd = openat(directory, name, flags | O_NOATIME);
  return fd < 0 && errno == EPERM ? openat(directory, name, flags) : fd;
}

static bool is_changed(int fd, const struct stat *before) {
  struct stat now;
  return fstat(fd, &now) != 0 || now.st_size != before->st_size || now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
         now.st_mtim.tv_nsec != before->st_mtim.tv_nsec || now.st_ctim.tv_sec != before->st_ctim.tv_sec ||
         now.st_ctim.tv_nsec != before->st_ctim.tv_nsec;
}

/* Sends at most the announced number of bytes, and whether the file is still the one that was announced. */
static void send_content(int fd, const struct stat *st) {
  uint64_t offset = 0, size = (uint64_t)st->st_size;
  bool changed = false;
  while (offset < size && !changed) {
    size_t wanted = size - offset < CONTENT_BLOCK ? (size_t)(size - offset) : CONTENT_BLOCK;
    put_frame(OP_DATA, current_sequence);
    put_u64(offset);
    ssize_t got = read(fd, put_reserve(wanted), wanted);
    if (got < 0) {
      fail_here("read file");
    }
    put_commit((size_t)got);
    changed = got == 0;
    if (!changed) {
      put_end();
    }
    offset += (uint64_t)got;
  }
  put_frame(OP_CONTENT_END, current_sequence); /* Takes the place of an empty frame that was begun. */
  put_u8(changed || is_changed(fd, st));
  put_end();
}

static void put_time(const struct timespec *t) {
  put_u64((uint64_t)t->tv_sec);
  put_u32((uint32_t)t->tv_nsec);
}

static void send_stat(const struct stat *st, uint8_t type, uint32_t marks, const char *link, size_t link_length) {
  put_frame(OP_NODE, current_sequence);
  put_u8(type);
  put_u32(st->st_mode & 07777);
  put_u32(st->st_uid);
  put_u32(st->st_gid);
  put_u32((uint32_t)st->st_nlink);
  put_u64(st->st_dev);
  put_u64(st->st_ino);
  put_u64(type == TYPE_FILE || type == TYPE_SYMLINK ? (uint64_t)st->st_size : 0);
  put_time(&st->st_mtim);
  put_time(&st->st_ctim);
  put_u32(major(st->st_rdev));
  put_u32(minor(st->st_rdev));
  put_u32(marks);
  put_u16((uint16_t)x.count);
  put_bytes(s.path, s.path_length);
  put_bytes(link, link_length);
  put_end();
}

/*
 * Sends the node `name` in `directory`, whose path is the current one. False if it vanished meanwhile or is a socket. *is_directory tells whether there
 * may be more below.
 */
static bool send_node(int directory, const char *name, bool *is_directory) {
  struct stat st;
  char link[PATH_MAX];
  ssize_t link_length = 0;
  *is_directory = false;
  if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno != ENOENT) {
      fail_here("look at file");
    }
    return false;
  }
  int fd = -1;
  if (S_ISREG(st.st_mode) && (s.flags & SCAN_CONTENT) != 0) {
    fd = open_file(directory, name);
    if (fd < 0 && errno != ENOENT && errno != ELOOP) {
      fail_here("open file");
    }
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
      close(fd);
      return false;
    }
  }
  uint8_t type = type_of(&st);
  if (type == 0) {
    return false;
  }
  if (type == TYPE_SYMLINK) {
    link_length = readlinkat(directory, name, link, sizeof link);
    if (link_length < 0) {
      return false;
    }
    st.st_size = link_length;
  }
  bool seen = type != TYPE_DIRECTORY && st.st_nlink > 1 && !add_seen((uint64_t)st.st_dev, (uint64_t)st.st_ino);
  bool with_content = fd >= 0 && !seen;
  if ((s.flags & SCAN_SUM) == 0) {
    if (type == TYPE_DIRECTORY || type == TYPE_FILE || (s.flags & SCAN_ALL_XATTRS) != 0) {
      list_xattrs(directory, name);
    } else {
      x.count = x.marks = 0;
    }
    send_stat(&st, type, x.marks | (seen ? MARK_SEEN : 0) | (with_content ? MARK_CONTENT : 0), link,
              (size_t)link_length);
    send_xattrs(name);
  }
  if (with_content) {
    send_content(fd, &st);
  }
  if (fd >= 0) {
    close(fd);
  }
  s.nodes++;
  s.bytes += !seen && (type == TYPE_FILE || type == TYPE_SYMLINK) ? (uint64_t)st.st_size : 0;
  *is_directory = type == TYPE_DIRECTORY;
  return true;
}

/* ---- directories ---- */

static int compare_names(const void *one, const void *other) {
  return strcmp(*(char *const *)one, *(char *const *)other); /* as unsigned bytes */
}

/* Reads and sorts the names of a directory. */
static void read_names(struct level *level) {
  static _Alignas(struct dirent_record) uint8_t batch[BATCH];
  size_t used = 0, size = 0;
  level->names = NULL;
  level->count = level->next = 0;
  ssize_t got;
  while ((got = sys_getdents(level->fd, batch, sizeof batch)) > 0) {
    for (ssize_t at = 0; at < got;) {
      const struct dirent_record *record = (const struct dirent_record *)(batch + at);
      at += record->length;
      if (strcmp(record->name, ".") == 0 || strcmp(record->name, "..") == 0) {
        continue;
      }
      size_t length = strlen(record->name) + 1;
      if (used + length > size) {
        size = 2 * size + length + 1024;
        level->names = grow(level->names, size);
      }
      memcpy(level->names + used, record->name, length);
      used += length;
      level->count++;
    }
  }
  if (got < 0 && errno != ENOENT) {
    fail_here("read directory");
  }
  level->sorted = grow(NULL, (level->count + 1) * sizeof *level->sorted);
  char *name = level->names;
  for (size_t i = 0; i < level->count; i++) {
    level->sorted[i] = name;
    name += strlen(name) + 1;
  }
  qsort(level->sorted, level->count, sizeof *level->sorted, compare_names);
}

/* Goes down into an open directory whose path is the current one. */
static void push(int fd) {
  struct stat st;
  if (s.depth == s.levels_size) {
    s.levels_size = 2 * s.levels_size + 64;
    s.levels = grow(s.levels, s.levels_size * sizeof *s.levels);
  }
  if (fstat(fd, &st) != 0) {
    fail_here("enter directory");
  }
  if (s.depth >= WINDOW && s.levels[s.depth - WINDOW].fd >= 0) {
    close(s.levels[s.depth - WINDOW].fd);
    s.levels[s.depth - WINDOW].fd = -1;
  }
  struct level *level = &s.levels[s.depth++];
  level->fd = fd;
  level->device = st.st_dev;
  level->inode = st.st_ino;
  level->path_length = s.path_length;
  s.is_cwd = false;
  read_names(level);
}

/* Leaves the current directory; opens its parent again if that was closed. */
static void pop(void) {
  struct level *level = &s.levels[s.depth - 1];
  if (s.depth > 1 && s.levels[s.depth - 2].fd < 0) {
    struct level *parent = &s.levels[s.depth - 2];
    struct stat st;
    parent->fd = openat(level->fd, "..", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (parent->fd < 0) {
      fail_here("go back to parent directory");
    }
    if (fstat(parent->fd, &st) != 0 || st.st_dev != parent->device || st.st_ino != parent->inode) {
      errno = ESTALE;
      fail_here("go back to parent directory");
    }
  }
  close(level->fd);
  free(level->names);
  free(level->sorted);
  s.depth--;
  s.is_cwd = false;
}

static void set_path(const struct level *level, const char *name) {
  size_t length = strlen(name), prefix = level->path_length == 0 ? 0 : level->path_length + 1;
  if (prefix + length > MAX_PATH) {
    fail_code(CODE_SYSTEM, ENAMETOOLONG, "enter directory", s.path, level->path_length);
  }
  if (prefix > 0) {
    s.path[prefix - 1] = '/';
  }
  memcpy(s.path + prefix, name, length + 1);
  s.path_length = prefix + length;
}

/* Everything in the directory `top`, whose path is the current one; below that as well if `deep`. */
static void send_directory(int top, bool deep) {
  push(top);
  while (s.depth > 0) {
    struct level *level = &s.levels[s.depth - 1];
    if (level->next == level->count) {
      pop();
      continue;
    }
    const char *name = level->sorted[level->next++];
    bool is_directory;
    set_path(level, name);
    if (!send_node(level->fd, name, &is_directory) || !is_directory || !deep) {
      continue;
    }
    int fd = open_directory_below(level->fd, name);
    /* EXDEV: something else is mounted there, and not part of the tree. The others: it is no directory any more. */
    if (fd >= 0) {
      push(fd);
    } else if (errno != EXDEV && errno != ENOENT && errno != ENOTDIR && errno != ELOOP) {
      fail_here("enter directory");
    }
  }
}

/* ---- requests ---- */

static void take_path(struct bytes path) {
  memcpy(s.path, path.at, path.length);
  s.path[path.length] = 0;
  s.path_length = path.length;
}

static void report_here(uint16_t code, int error, const char *stage) {
  report(code, error, stage, s.path, s.path_length, "");
}

static void serve_directory(uint32_t sequence, struct bytes path, bool deep) {
  take_path(path);
  uint16_t code = walk_directory(&s.place, &s.rules, path);
  if (code != 0) {
    report_here(code, errno, "follow path");
    return;
  }
  int fd = openat(s.place.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    report_here(CODE_SYSTEM, errno, "open directory");
    return;
  }
  forget_seen();
  s.nodes = s.bytes = 0;
  send_directory(fd, deep);
  put_done(sequence, s.nodes, s.bytes);
}

static void serve_stat(uint32_t sequence, struct bytes path) {
  char name[NAME_MAX + 1];
  bool is_directory;
  take_path(path);
  uint16_t code = walk_parent(&s.place, &s.rules, path, name);
  if (code != 0 && code != CODE_NOT_A_DIRECTORY && errno != ENOENT) {
    report_here(code, errno, "follow path");
    return;
  }
  forget_seen();
  s.nodes = s.bytes = 0;
  s.is_cwd = false;
  if (code == 0) {
    send_node(s.place.fd, path.length == 0 ? "." : name, &is_directory);
  }
  put_done(sequence, s.nodes, s.bytes);
}

static void serve_read(uint32_t sequence, struct bytes path, uint64_t size, bool follow) {
  char name[NAME_MAX + 1];
  struct walk_rules rules = s.rules;
  rules.follow = follow;
  take_path(path);
  uint16_t code = walk_parent(&s.place, &rules, path, name);
  int fd = code == 0 ? open_file(s.place.fd, name) : -1;
  int error = errno;
  struct stat st;
  if (fd < 0) {
    report_here(code == CODE_BREAKOUT ? code : CODE_MISMATCH, error, "open file");
    return;
  }
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != size) {
    report_here(CODE_MISMATCH, 0, "open file");
  } else {
    send_content(fd, &st);
    put_done(sequence, 1, size);
  }
  close(fd);
}

static void answer(struct frame *f) {
  s.flags = take_u32(&f->body);
  uint64_t size = f->opcode == OP_READ ? take_u64(&f->body) : 0;
  struct bytes path = take_bytes(&f->body);
  uint32_t known = SCAN_CONTENT | SCAN_CAPABILITY | SCAN_ALL_XATTRS | SCAN_FOLLOW | SCAN_TOGETHER | SCAN_SUM;
  if (!taken(&f->body) || (s.flags & ~known) != 0 || size > INT64_MAX || !is_normal_path(path)) {
    protocol_error(f->sequence, "scan request");
  }
  bool follow = (s.flags & SCAN_FOLLOW) != 0;
  /* The tree may be in use. And what follows links and what does not lead to different places. */
  if ((s.flags & SCAN_TOGETHER) == 0 || follow != s.place_follows) {
    forget(&s.place);
  }
  s.place_follows = follow;
  switch (f->opcode) {
    case OP_SCAN:
      serve_directory(f->sequence, path, true);
      return;
    case OP_NAMES:
      serve_directory(f->sequence, path, false);
      return;
    case OP_STAT:
      serve_stat(f->sequence, path);
      return;
    case OP_READ:
      serve_read(f->sequence, path, size, follow);
      return;
    default:
      protocol_error(f->sequence, "frame out of turn");
  }
}

/* In a mounted overlay none of the attributes that can be seen is overlay's own: the kernel hides those, and shows escaped ones unescaped. */
static bool is_mounted_overlay(const struct start *start, int root) {
  struct statfs fs;
  return start->tree == TREE_HOME && fstatfs(root, &fs) == 0 && fs.f_type == OVERLAYFS_SUPER_MAGIC;
}

int scan_conversation(const struct start *start, int root) {
  memset(&s, 0, sizeof s);
  s.overlay = (start->flags & START_USER_XATTR) != 0 ? overlay_user : overlay_trusted;
  s.hides_marks = !is_mounted_overlay(start, root);
  s.rules = (struct walk_rules){.root = root};
  s.place.fd = -1;
  struct frame f;
  while (wire_next(&f)) {
    current_sequence = f.sequence;
    answer(&f);
  }
  return EXIT_DONE;
}

int scan_mode(const struct start *start) {
  uint32_t facts;
  int root = confine(start, CAPABILITIES_SCAN, NULL, &facts);
  say_hello(facts);
  return scan_conversation(start, root);
}
