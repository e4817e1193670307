#include "files.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FILES = 256, MAX_DIRECTORIES = 64, NAME_BITS = 1 << 16, STACK = 64 * 1024, PERMISSIONS = 07777 };

/* FNV-1a. */
static const uint32_t HASH_START = 2166136261, HASH_FACTOR = 16777619;

static struct {
  bool ignores_owners;
  file_settled *settled;
  size_t count, directories;
  unsigned walk; /* that led to the last directory */
  int open[MAX_DIRECTORIES];
  uint8_t names[NAME_BITS / 8]; /* a bit for the hash of each path that waits */
  struct new_file files[MAX_FILES];
} f;

/* The second thread takes files from `first` on, the other one, once it has nothing else to do, those before `last`. */
static struct {
  pthread_mutex_t lock;
  pthread_cond_t more, idle;
  size_t first, last;
  bool is_working;
} shared = {.lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER, .idle = PTHREAD_COND_INITIALIZER};

/* ---- names that wait ---- */

static uint32_t bit_of(uint32_t hash) { return (hash ^ hash >> 15) % NAME_BITS; }

static uint32_t hash_on(uint32_t hash, uint8_t byte) { return (hash ^ byte) * HASH_FACTOR; }

bool files_wait(void) { return f.count > 0; }

bool must_settle_before(struct bytes path) {
  if (f.count == MAX_FILES || f.directories == MAX_DIRECTORIES) {
    return true;
  }
  uint32_t hash = HASH_START;
  for (size_t i = 0; f.count > 0 && i <= path.length; i++) {
    if (i == path.length || path.at[i] == '/') {
      uint32_t bit = bit_of(hash);
      if ((f.names[bit / 8] >> bit % 8 & 1) != 0) {
        return true;
      }
    }
    hash = i < path.length ? hash_on(hash, path.at[i]) : hash;
  }
  return false;
}

static void note_name(struct bytes path) {
  uint32_t hash = HASH_START;
  for (size_t i = 0; i < path.length; i++) {
    hash = hash_on(hash, path.at[i]);
  }
  f.names[bit_of(hash) / 8] |= (uint8_t)(1 << bit_of(hash) % 8);
}

/* ---- making ---- */

static bool write_content(int fd, struct bytes content) {
  size_t done = 0;
  while (done < content.length) {
    ssize_t wrote = write(fd, content.at + done, content.length - done);
    if (wrote <= 0) {
      return false;
    }
    done += (size_t)wrote;
  }
  return true;
}

static bool set_attributes(int fd, const struct entry *e) {
  struct stat st;
  if (fstat(fd, &st) != 0) {
    return false;
  }
  bool is_owned = f.ignores_owners || (st.st_uid == e->uid && st.st_gid == e->gid);
  if (!is_owned && fchown(fd, e->uid, e->gid) != 0) {
    return false;
  }
  /* A new owner takes the special bits away. */
  if (((st.st_mode & PERMISSIONS) != e->mode || (!is_owned && e->mode > 0777)) && fchmod(fd, e->mode) != 0) {
    return false;
  }
  struct timespec times[2] = {{e->atime, e->atime_nanos}, {e->mtime, e->mtime_nanos}};
  return futimens(fd, times) == 0;
}

/* Makes a file, or leaves nothing behind. */
static bool make(const struct new_file *file) {
  int fd = openat(file->directory, file->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, file->entry.mode);
  if (fd < 0) {
    return false;
  }
  bool is_made = write_content(fd, file->content) && set_attributes(fd, &file->entry);
  is_made = close(fd) == 0 && is_made;
  if (!is_made) {
    unlinkat(file->directory, file->name, 0);
  }
  return is_made;
}

/* Makes one with the lock released. */
static void make_unlocked(struct new_file *file) {
  pthread_mutex_unlock(&shared.lock);
  file->is_made = make(file);
  pthread_mutex_lock(&shared.lock);
}

static void *work(void *unused) {
  (void)unused;
  pthread_mutex_lock(&shared.lock);
  while (true) {
    while (shared.first == shared.last) {
      pthread_cond_wait(&shared.more, &shared.lock);
    }
    shared.is_working = true;
    make_unlocked(&f.files[shared.first++]);
    shared.is_working = false;
    pthread_cond_signal(&shared.idle);
  }
  return NULL;
}

void start_second_thread(void) {
  cpu_set_t processors;
  pthread_attr_t attributes;
  pthread_t thread;
  if (sched_getaffinity(0, sizeof processors, &processors) == 0 && CPU_COUNT(&processors) == 1) {
    return;
  }
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, STACK);
  pthread_create(&thread, &attributes, work, NULL);
  pthread_attr_destroy(&attributes);
}

/* ---- waiting ---- */

/* Nothing waits, and the second thread sleeps. */
static void forget_files(void) {
  for (size_t i = 0; i < f.directories; i++) {
    close(f.open[i]);
  }
  f.count = f.directories = 0;
  memset(f.names, 0, sizeof f.names);
  pthread_mutex_lock(&shared.lock);
  shared.first = shared.last = 0;
  pthread_mutex_unlock(&shared.lock);
}

void begin_files(bool ignores_owners, file_settled *settled) {
  f.directories = 0;
  f.ignores_owners = ignores_owners;
  f.settled = settled;
  forget_files();
}

/* The place's descriptor is closed when it leads elsewhere. */
static int keep_directory(const struct place *place) {
  if (f.directories == 0 || f.walk != place->walks) {
    int fd = fcntl(place->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0) {
      return -1;
    }
    f.walk = place->walks;
    f.open[f.directories++] = fd;
  }
  return f.open[f.directories - 1];
}

void add_file(const struct entry *entry, uint32_t sequence, struct bytes content, const struct place *place,
              const char *name) {
  struct new_file *file = &f.files[f.count++];
  *file = (struct new_file){.entry = *entry, .content = content, .sequence = sequence};
  file->directory = keep_directory(place); /* Without one it cannot be made, and is made otherwise. */
  strcpy(file->name, name);
  note_name(entry->path);
  pthread_mutex_lock(&shared.lock);
  shared.last++;
  pthread_cond_signal(&shared.more);
  pthread_mutex_unlock(&shared.lock);
}

void settle_files(void) {
  size_t count = f.count;
  if (count == 0) {
    return;
  }
  pthread_mutex_lock(&shared.lock);
  while (shared.first < shared.last) {
    make_unlocked(&f.files[--shared.last]);
  }
  while (shared.is_working) {
    pthread_cond_wait(&shared.idle, &shared.lock);
  }
  pthread_mutex_unlock(&shared.lock);
  forget_files();
  for (size_t i = 0; i < count; i++) {
    f.settled(&f.files[i]);
  }
}
