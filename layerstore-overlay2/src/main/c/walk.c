#include "walk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "calls.h"
#include "wire.h"

/*
 * How many parts of link texts may be taken: so many for each path, and a number of them for free. A few entries whose links lead up and down
 * the tree ten thousands of times must not keep the helper busy for minutes.
 */
enum { LINK_STEPS_EACH = 100, LINK_STEPS_FREE = 100 * 1000 };

enum { MAX_LINKS = 255, TODO_SIZE = 4 * PATH_MAX, DIRECTORY_FLAGS = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC };

#define WITHOUT_LINKS (LS_RESOLVE_BENEATH | LS_RESOLVE_NO_SYMLINKS | LS_RESOLVE_NO_MAGICLINKS | LS_RESOLVE_NO_XDEV)

/*
 * A walk on its way. `todo` holds the parts that are still to be taken, at its end, so that the text of a link can be put before them. In the text
 * of an absolute link ".." is written as "..\0", a name that cannot exist otherwise: it stops at the root. The functions below give false when
 * the walk cannot go on, with `code` and errno set.
 *
 * A part that goes up only shortens `real` and leaves the directory behind (`is_behind`): many in a row cost one look.
 */
struct walk {
  struct place *place;
  const struct walk_rules *rules;
  uint16_t code;
  int links;
  bool is_behind; /* the open directory is not the one of `real` */
  size_t todo_start;
  size_t own_start; /* where the parts of the path itself begin; those before are of links */
  char todo[TODO_SIZE];
};

bool is_normal_path(struct bytes path) {
  if (path.length >= PATH_MAX) {
    return false;
  }
  size_t start = 0;
  for (size_t i = 0; i <= path.length; i++) {
    if (i < path.length && path.at[i] == 0) {
      return false;
    }
    if (i == path.length || path.at[i] == '/') {
      size_t length = i - start;
      bool dots =
          (length == 1 && path.at[start] == '.') || (length == 2 && path.at[start] == '.' && path.at[start + 1] == '.');
      if ((length == 0 && path.length > 0) || dots || length > NAME_MAX) {
        return false;
      }
      start = i + 1;
    }
  }
  return true;
}

void forget(struct place *place) {
  if (place->fd >= 0) {
    close(place->fd);
    place->fd = -1;
  }
}

void expire(struct place *place) { place->asked_length = SIZE_MAX; }

size_t real_path(const struct place *place, const char *name, char *path, size_t size) {
  size_t length = strlen(name), prefix = place->real_length == 0 ? 0 : place->real_length + 1;
  if (prefix + length >= size) {
    fail_code(CODE_SYSTEM, ENAMETOOLONG, "resolve path", place->real, place->real_length);
  }
  if (prefix > 0) {
    memcpy(path, place->real, place->real_length);
    path[place->real_length] = '/';
  }
  memcpy(path + prefix, name, length + 1);
  return prefix + length;
}

static bool stop(struct walk *w, uint16_t code, int error) {
  w->code = code;
  errno = error;
  return false;
}

static long link_steps_left = LINK_STEPS_FREE;

static bool start_at_root(struct walk *w) {
  w->is_behind = false;
  forget(w->place);
  w->place->real_length = 0;
  w->place->fd = openat(w->rules->root, ".", DIRECTORY_FLAGS);
  return w->place->fd >= 0 || stop(w, CODE_SYSTEM, errno);
}

static void step_to(struct walk *w, int fd) {
  close(w->place->fd);
  w->place->fd = fd;
}

/* Puts the text of a link before what is still to be taken. */
static bool put_before(struct walk *w, const char *text, size_t length) {
  if (++w->links > MAX_LINKS) {
    return stop(w, CODE_LINK_LOOP, ELOOP);
  }
  bool absolute = text[0] == '/';
  size_t end = length;
  /* From its end to its beginning, a part at a time. */
  while (end > 0) {
    size_t start = end;
    while (start > 0 && text[start - 1] != '/') {
      start--;
    }
    size_t part = end - start;
    bool up = part == 2 && text[start] == '.' && text[start + 1] == '.';
    bool here = part == 0 || (part == 1 && text[start] == '.');
    if (!here) {
      size_t room = part + 1 + (up && absolute ? 1 : 0);
      if (w->todo_start < room) {
        return stop(w, CODE_SYSTEM, ENAMETOOLONG);
      }
      w->todo_start -= room;
      memcpy(w->todo + w->todo_start, text + start, part);
      if (up && absolute) {
        w->todo[w->todo_start + part] = 0;
      }
      w->todo[w->todo_start + room - 1] = '/';
    }
    end = start > 0 ? start - 1 : 0;
  }
  return !absolute || start_at_root(w);
}

/* Takes a symbolic link that is open; closes it. */
static bool follow(struct walk *w, int link) {
  char text[PATH_MAX];
  ssize_t length = readlinkat(link, "", text, sizeof text);
  int error = length < 0 ? errno : ENAMETOOLONG;
  close(link);
  if (!w->rules->follow) {
    return stop(w, CODE_NOT_A_DIRECTORY, ENOTDIR);
  }
  if (length < 0 || (size_t)length == sizeof text) {
    return stop(w, CODE_SYSTEM, error);
  }
  w->place->through_link = true;
  return put_before(w, text, (size_t)length);
}

/* Opens the directory of `real` from the root: ".." of a directory would be wherever it has been moved to. */
static bool catch_up(struct walk *w) {
  struct place *p = w->place;
  size_t length = p->real_length;
  if (!w->is_behind) {
    return true;
  }
  char path[PATH_MAX];
  memcpy(path, p->real, length);
  path[length] = 0;
  int at_once = length == 0 ? -1 : sys_openat2(w->rules->root, path, DIRECTORY_FLAGS, WITHOUT_LINKS);
  if (at_once >= 0) {
    step_to(w, at_once);
    w->is_behind = false;
    return true;
  }
  if (!start_at_root(w)) {
    return false;
  }
  for (size_t at = 0; at < length;) {
    size_t end = at;
    while (end < length && p->real[end] != '/') {
      end++;
    }
    char name[NAME_MAX + 1];
    memcpy(name, p->real + at, end - at);
    name[end - at] = 0;
    int next = openat(p->fd, name, DIRECTORY_FLAGS);
    if (next < 0) {
      return stop(w, CODE_SYSTEM, errno);
    }
    step_to(w, next);
    at = end + 1;
  }
  p->real_length = length;
  return true;
}

static void step_up(struct walk *w) {
  struct place *p = w->place;
  while (p->real_length > 0 && p->real[p->real_length - 1] != '/') {
    p->real_length--;
  }
  p->real_length -= p->real_length > 0 ? 1 : 0;
  w->is_behind = true;
}

/* Makes a missing directory; gives a descriptor of it, or -1. It is root's, also in a set-gid directory, whose group the kernel gives it. */
static int make_directory(struct walk *w, const char *name) {
  const struct walk_rules *r = w->rules;
  if (mkdirat(w->place->fd, name, 0755) != 0) {
    return -1;
  }
  int directory = openat(w->place->fd, name, DIRECTORY_FLAGS);
  struct stat st;
  if (directory < 0 || fstat(directory, &st) != 0) {
    return directory;
  }
  bool inherited = (st.st_mode & S_ISGID) != 0 && st.st_gid != r->gid;
  if ((r->uid != 0 || r->gid != 0 || inherited) &&
      fchownat(w->place->fd, name, r->uid, r->gid, AT_SYMLINK_NOFOLLOW) != 0) {
    int error = errno;
    close(directory);
    errno = error;
    return -1;
  }
  return directory;
}

/*
 * The archive deletes a name and then has something below it. Docker fails here. A directory that hides what is below says the same as the
 * two entries do.
 */
static int replace_whiteout(struct walk *w, const char *name) {
  if (unlinkat(w->place->fd, name, 0) != 0) {
    return -1;
  }
  int directory = make_directory(w, name);
  if (directory >= 0 && (fchdir(directory) != 0 || lsetxattr(".", w->rules->opaque_xattr, "y", 1, 0) != 0)) {
    close(directory);
    return -1;
  }
  return directory;
}

static bool append_real(struct walk *w, const char *name, size_t length) {
  struct place *p = w->place;
  size_t prefix = p->real_length == 0 ? 0 : p->real_length + 1;
  if (prefix + length >= sizeof p->real) {
    return stop(w, CODE_SYSTEM, ENAMETOOLONG);
  }
  if (prefix > 0) {
    p->real[p->real_length] = '/';
  }
  memcpy(p->real + prefix, name, length);
  p->real_length = prefix + length;
  return true;
}

/* Takes one part that is a name. */
static bool step_down(struct walk *w, const char *name, size_t length) {
  if (!catch_up(w)) {
    return false;
  }
  int next = openat(w->place->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (next < 0 && errno == ENOENT && w->rules->create) {
    next = make_directory(w, name);
  }
  struct stat st;
  if (next < 0 || fstat(next, &st) != 0) {
    return stop(w, CODE_SYSTEM, errno);
  }
  if (S_ISLNK(st.st_mode)) {
    return follow(w, next);
  }
  bool is_whiteout = S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0);
  if (is_whiteout && w->rules->create && w->rules->opaque_xattr != NULL) {
    close(next);
    next = replace_whiteout(w, name);
    if (next < 0) {
      return stop(w, CODE_SYSTEM, errno);
    }
  } else if (!S_ISDIR(st.st_mode)) {
    close(next);
    return stop(w, CODE_NOT_A_DIRECTORY, ENOTDIR);
  }
  step_to(w, next);
  return append_real(w, name, length);
}

/* Takes the first part of what is to do. */
static bool step(struct walk *w) {
  const char *part = w->todo + w->todo_start;
  size_t length = 0;
  while (part[length] != '/') {
    length++;
  }
  char name[NAME_MAX + 2];
  if (length > NAME_MAX) {
    return stop(w, CODE_SYSTEM, ENAMETOOLONG);
  }
  memcpy(name, part, length);
  name[length] = 0;
  if (w->todo_start < w->own_start && link_steps_left-- <= 0) {
    return stop(w, CODE_LINK_STEPS, 0);
  }
  w->todo_start += length + 1;
  if (w->own_start < w->todo_start) {
    w->own_start = w->todo_start;
  }
  bool up = strcmp(name, "..") == 0; /* also true for "..\0" */
  if (!up) {
    return step_down(w, name, length);
  }
  if (w->place->real_length > 0) {
    step_up(w);
    return true;
  }
  bool stops_at_root = length == 3;
  return stops_at_root || stop(w, CODE_BREAKOUT, 0);
}

/* The way with symbolic links and missing directories. */
static uint16_t walk_slowly(struct place *place, const struct walk_rules *rules, struct bytes path) {
  static struct walk w;
  w.place = place;
  w.rules = rules;
  w.code = 0;
  w.links = 0;
  w.todo_start = TODO_SIZE;
  if (path.length > 0) {
    w.todo[--w.todo_start] = '/';
    w.todo_start -= path.length;
    memcpy(w.todo + w.todo_start, path.at, path.length);
  }
  w.own_start = w.todo_start;
  link_steps_left += LINK_STEPS_EACH;
  bool going = start_at_root(&w);
  while (going && w.todo_start < TODO_SIZE) {
    going = step(&w);
  }
  going = going && catch_up(&w);
  if (!going) {
    int error = errno;
    forget(place);
    errno = error;
  }
  return w.code;
}

/* One call, if no link is on the way and nothing is missing; none if it leads there already. */
static bool walk_at_once(struct place *place, const struct walk_rules *rules, struct bytes path) {
  if (place->fd >= 0 && place->asked_length == path.length && memcmp(place->asked, path.at, path.length) == 0) {
    return true;
  }
  forget(place);
  memcpy(place->asked, path.at, path.length);
  place->asked[path.length] = 0;
  place->asked_length = path.length;
  place->through_link = false;
  place->walks++;
  place->fd =
      sys_openat2(rules->root, path.length == 0 ? "." : place->asked, O_PATH | O_DIRECTORY | O_CLOEXEC, WITHOUT_LINKS);
  memcpy(place->real, path.at, path.length);
  place->real_length = path.length;
  return place->fd >= 0;
}

uint16_t walk_directory(struct place *place, const struct walk_rules *rules, struct bytes path) {
  return walk_at_once(place, rules, path) ? 0 : walk_slowly(place, rules, path);
}

/* How much of a path is before its last part. */
static size_t parent_length(struct bytes path) {
  size_t start = path.length;
  while (start > 0 && path.at[start - 1] != '/') {
    start--;
  }
  return start > 0 ? start - 1 : 0;
}

bool walk_parent_at_once(struct place *place, const struct walk_rules *rules, struct bytes path) {
  return walk_at_once(place, rules, (struct bytes){path.at, parent_length(path)});
}

uint16_t walk_parent(struct place *place, const struct walk_rules *rules, struct bytes path, char name[NAME_MAX + 1]) {
  size_t parent = parent_length(path), start = parent > 0 ? parent + 1 : 0;
  memcpy(name, path.at + start, path.length - start);
  name[path.length - start] = 0;
  return walk_directory(place, rules, (struct bytes){path.at, parent});
}
