#include "times.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire.h"

/* A record is a struct record and as many bytes of path as it says. */
struct record {
  struct timespec times[2];
  size_t length;
};

enum { MEMORY = 256 * 1024 };

static const char spill_name[] = ".layerstore-directory-times";

static struct {
  int root, file; /* file is -1 while memory is enough */
  size_t used;    /* bytes in memory: the end of what is kept */
  char memory[MEMORY];
} kept;

void begin_times(int root) {
  kept.root = root;
  kept.file = -1;
  kept.used = 0;
}

/* Where the file system has no unnamed files, one with a name that is taken away at once. */
static int open_spill(void) {
  int fd = openat(kept.root, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd < 0) {
    fd = openat(kept.root, spill_name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0) {
      unlinkat(kept.root, spill_name, 0);
    }
  }
  return fd;
}

static bool spill(void) {
  if (kept.file < 0) {
    kept.file = open_spill();
  }
  for (size_t done = 0; kept.file >= 0 && done < kept.used;) {
    ssize_t wrote = write(kept.file, kept.memory + done, kept.used - done);
    if (wrote < 0 && errno != EINTR) {
      return false;
    }
    done += wrote < 0 ? 0 : (size_t)wrote;
  }
  kept.used = 0;
  return kept.file >= 0;
}

bool remember_times(const char *path, size_t length, const struct timespec times[2]) {
  struct record r = {{times[0], times[1]}, length};
  if (kept.used + sizeof r + length > MEMORY && !spill()) {
    return false;
  }
  memcpy(kept.memory + kept.used, &r, sizeof r);
  memcpy(kept.memory + kept.used + sizeof r, path, length);
  kept.used += sizeof r + length;
  return true;
}

static void set_times_of(const struct walk_rules *rules, struct place *place, const char *path,
                         const struct record *r) {
  struct bytes bytes = {(const uint8_t *)path, r->length};
  char name[NAME_MAX + 1];
  struct walk_rules look = *rules;
  struct stat st;
  look.create = false;
  look.follow = false;
  /* A directory of this name may have been replaced since; then the times are nobody's. */
  if (walk_parent(place, &look, bytes, name) != 0 || fstatat(place->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
      !S_ISDIR(st.st_mode)) {
    return;
  }
  if (utimensat(place->fd, name, r->times, AT_SYMLINK_NOFOLLOW) != 0) {
    fail("set times of directory", path, r->length);
  }
}

/* Sets what is in memory; gives the number of bytes of the last, incomplete record. */
static size_t set_times_in_memory(const struct walk_rules *rules, struct place *place, size_t end) {
  size_t at = 0;
  struct record r;
  while (end - at >= sizeof r) {
    memcpy(&r, kept.memory + at, sizeof r);
    if (end - at - sizeof r < r.length) {
      break;
    }
    set_times_of(rules, place, kept.memory + at + sizeof r, &r);
    at += sizeof r + r.length;
  }
  memmove(kept.memory, kept.memory + at, end - at);
  return end - at;
}

void set_times(const struct walk_rules *rules, struct place *place) {
  if (kept.file < 0) {
    set_times_in_memory(rules, place, kept.used);
    return;
  }
  if (!spill() || lseek(kept.file, 0, SEEK_SET) != 0) {
    fail("keep times of directories", "", 0);
  }
  size_t rest = 0;
  while (true) {
    ssize_t got = read(kept.file, kept.memory + rest, MEMORY - rest);
    if (got < 0 && errno != EINTR) {
      fail("keep times of directories", "", 0);
    }
    if (got == 0) {
      break;
    }
    rest = set_times_in_memory(rules, place, rest + (got < 0 ? 0 : (size_t)got));
  }
  close(kept.file);
}
