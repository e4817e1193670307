#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calls.h"

/*
 * The directories from the top to the current one. Only the lowest WINDOW of them are open and have unread names; one that was closed is opened
 * again through ".." of its child, and must be the one it was. Its names are read from the beginning then: those before are gone.
 */
enum { WINDOW = 16, BATCH = 32768, MAX_ATTEMPTS = 16 };

struct level {
  int fd;
  dev_t device;
  ino_t inode;
  size_t path_length; /* of the path up to and with this directory */
  unsigned attempts;  /* times it was found not empty after all its names had been removed */
};

static struct {
  struct level *levels;
  size_t depth, levels_size;
  char *path;
  size_t path_length, path_size;
} t;

static struct {
  size_t at, end;
  _Alignas(struct dirent_record) uint8_t bytes[BATCH];
} batches[WINDOW];

int open_directory_below(int directory, const char *name) {
  int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  int fd = sys_openat2(directory, name, (uint64_t)flags, LS_RESOLVE_NO_XDEV | LS_RESOLVE_NO_SYMLINKS);
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) {
    return fd;
  }
  struct stat above, below;
  fd = openat(directory, name, flags);
  if (fd >= 0 && (fstat(directory, &above) != 0 || fstat(fd, &below) != 0 || above.st_dev != below.st_dev)) {
    close(fd);
    errno = EXDEV;
    return -1;
  }
  return fd;
}

static bool append(const char *name) {
  size_t length = strlen(name), separator = t.path_length > 0 ? 1 : 0;
  if (t.path_length + separator + length + 1 > t.path_size) {
    size_t size = 2 * t.path_size + length + 256;
    char *grown = realloc(t.path, size);
    if (grown == NULL) {
      return false;
    }
    t.path = grown;
    t.path_size = size;
  }
  if (separator > 0) {
    t.path[t.path_length] = '/';
  }
  memcpy(t.path + t.path_length + separator, name, length + 1);
  t.path_length += separator + length;
  return true;
}

/* Goes down into an open directory whose path is the current one. */
static bool push(int fd) {
  struct stat st;
  if (t.depth == t.levels_size) {
    size_t size = 2 * t.levels_size + 64;
    struct level *grown = realloc(t.levels, size * sizeof *grown);
    if (grown == NULL) {
      return false;
    }
    t.levels = grown;
    t.levels_size = size;
  }
  if (fstat(fd, &st) != 0) {
    return false;
  }
  if (t.depth >= WINDOW) {
    struct level *recycled = &t.levels[t.depth - WINDOW];
    close(recycled->fd);
    recycled->fd = -1;
  }
  t.levels[t.depth] = (struct level){fd, st.st_dev, st.st_ino, t.path_length, 0};
  batches[t.depth % WINDOW].at = batches[t.depth % WINDOW].end = 0;
  t.depth++;
  return true;
}

/* Opens the parent of the current directory again if it was closed. */
static bool reopen_parent(void) {
  struct level *child = &t.levels[t.depth - 1], *parent = &t.levels[t.depth - 2];
  if (parent->fd >= 0) {
    return true;
  }
  struct stat st;
  int fd = openat(child->fd, "..", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    return false;
  }
  if (fstat(fd, &st) != 0 || st.st_dev != parent->device || st.st_ino != parent->inode) {
    close(fd);
    errno = ESTALE; /* Somebody moved the directory while it was being deleted. */
    return false;
  }
  parent->fd = fd;
  batches[(t.depth - 2) % WINDOW].at = batches[(t.depth - 2) % WINDOW].end = 0;
  return true;
}

/* The next name of the current directory; null with errno 0 at the end. */
static const struct dirent_record *next_name(void) {
  struct level *level = &t.levels[t.depth - 1];
  size_t slot = (t.depth - 1) % WINDOW;
  while (true) {
    if (batches[slot].at >= batches[slot].end) {
      ssize_t got = sys_getdents(level->fd, batches[slot].bytes, BATCH);
      if (got <= 0) {
        errno = got < 0 ? errno : 0;
        return NULL;
      }
      batches[slot].at = 0;
      batches[slot].end = (size_t)got;
    }
    const struct dirent_record *record = (const struct dirent_record *)(batches[slot].bytes + batches[slot].at);
    batches[slot].at += record->length;
    if (strcmp(record->name, ".") != 0 && strcmp(record->name, "..") != 0) {
      return record;
    }
  }
}

struct request {
  before_removal *before;
  void *context;
  struct removal *result;
};

static bool stop(struct request *r, const char *stage) {
  r->result->error = errno;
  r->result->stage = stage;
  return false;
}

/* Removes one name, or goes down into it if it is a directory with something in it. The current path ends with the name. */
static bool remove_name(struct request *r, int directory, const char *name, bool is_directory) {
  struct stat st;
  if (!is_directory && r->before != NULL) {
    if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno == ENOENT || stop(r, "look at file");
    }
    if (S_ISDIR(st.st_mode)) {
      return remove_name(r, directory, name, true); /* A file system that does not tell types when listing. */
    }
    r->before(r->context, directory, name, &st, t.path, t.path_length);
  }
  if (unlinkat(directory, name, is_directory ? AT_REMOVEDIR : 0) == 0) {
    r->result->count++;
    return true;
  }
  if (errno == ENOENT) {
    return true;
  }
  if (!is_directory && errno == EISDIR) {
    return remove_name(r, directory, name, true);
  }
  if (!is_directory || (errno != ENOTEMPTY && errno != EEXIST)) {
    return stop(r, is_directory ? "remove directory" : "remove file");
  }
  int fd = open_directory_below(directory, name);
  if (fd < 0) {
    return errno == ENOENT ||
           stop(r, errno == EXDEV ? "enter directory: something is mounted there" : "enter directory");
  }
  if (!push(fd)) {
    stop(r, "enter directory");
    close(fd);
    return false;
  }
  return true;
}

/* The current directory has no more names: removes it from its parent. */
static bool remove_finished(struct request *r, int top) {
  struct level *level = &t.levels[t.depth - 1];
  int parent = top;
  if (t.depth > 1) {
    if (!reopen_parent()) {
      return stop(r, "go back to parent directory");
    }
    parent = t.levels[t.depth - 2].fd;
  }
  t.path_length = level->path_length;
  t.path[t.path_length] = 0;
  const char *slash = strrchr(t.path, '/');
  if (unlinkat(parent, slash == NULL ? t.path : slash + 1, AT_REMOVEDIR) == 0) {
    r->result->count++;
  } else if (errno == ENOTEMPTY && level->attempts < MAX_ATTEMPTS && lseek(level->fd, 0, SEEK_SET) == 0) {
    /* A name came up while others were being removed. */
    level->attempts++;
    return true;
  } else if (errno != ENOENT) {
    return stop(r, "remove directory");
  }
  close(level->fd);
  t.depth--;
  return true;
}

static bool remove_below(struct request *r, int top) {
  while (t.depth > 0) {
    const struct dirent_record *record = next_name();
    if (record == NULL) {
      if (errno != 0) {
        return stop(r, "read directory");
      }
      if (!remove_finished(r, top)) {
        return false;
      }
      continue;
    }
    t.path_length = t.levels[t.depth - 1].path_length;
    if (!append(record->name)) {
      return stop(r, "enter directory");
    }
    if (!remove_name(r, t.levels[t.depth - 1].fd, record->name, record->type == DT_DIR)) {
      return false;
    }
  }
  return true;
}

void remove_tree(int directory, const char *name, before_removal *before, void *context, struct removal *result) {
  struct request r = {before, context, result};
  struct stat st;
  *result = (struct removal){0, "", "", 0, 0};
  t.depth = 0;
  t.path_length = 0;
  bool done;
  if (!append(name)) {
    done = stop(&r, "remove tree");
  } else if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
    done = errno == ENOENT || stop(&r, "look at file");
  } else {
    done = remove_name(&r, directory, name, S_ISDIR(st.st_mode)) && remove_below(&r, directory);
  }
  if (!done) {
    result->path = t.path;
    result->path_length = t.path_length;
    for (; t.depth > 0; t.depth--) {
      if (t.levels[t.depth - 1].fd >= 0) {
        close(t.levels[t.depth - 1].fd);
      }
    }
  }
}
