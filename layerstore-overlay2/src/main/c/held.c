#include "held.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"
#include "mountinfo.h"
#include "process.h"

enum { LINK_SIZE = 64, MAX_NAMESPACES = 256, CHILD_SECONDS = 5, EVENTS_SIZE = 4096 };

/* ---- the end of an overlay ---- */

/* One for all, because to close one takes the kernel long. */
static int inotify_descriptor(void) {
  static int descriptor = -1;
  if (descriptor < 0) {
    descriptor = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  }
  return descriptor;
}

/* Watches whose file system has ended; there are few at a time. */
static struct {
  int *at;
  size_t count, size;
} ended;

static void note_end(int watch) {
  if (ended.count == ended.size) {
    size_t size = ended.size == 0 ? 64 : 2 * ended.size;
    int *more = realloc(ended.at, size * sizeof *more);
    if (more == NULL) {
      return;
    }
    ended.at = more;
    ended.size = size;
  }
  ended.at[ended.count++] = watch;
}

static void read_events(void) {
  _Alignas(struct inotify_event) char events[EVENTS_SIZE];
  ssize_t got;
  while ((got = read(inotify_descriptor(), events, sizeof events)) > 0) {
    for (ssize_t at = 0; at < got;) {
      const struct inotify_event *event = (const struct inotify_event *)(events + at);
      if ((event->mask & IN_UNMOUNT) != 0) {
        note_end(event->wd);
      }
      at += (ssize_t)(sizeof *event + event->len);
    }
  }
}

struct life watch_life(const char *target) {
  struct stat st;
  struct life life = {.device = 0, .watch = -1, .has_ended = false};
  if (lstat(target, &st) == 0) {
    life.device = st.st_dev;
    life.watch = inotify_add_watch(inotify_descriptor(), target, IN_DELETE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW);
  }
  return life;
}

bool has_ended(struct life *life) {
  read_events();
  for (size_t i = 0; !life->has_ended && i < ended.count; i++) {
    if (ended.at[i] == life->watch) {
      ended.at[i] = ended.at[--ended.count];
      life->has_ended = true;
    }
  }
  return life->has_ended;
}

int64_t clock_millis(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool wait_for_end(struct life *life, int64_t until) {
  int64_t now;
  while (!has_ended(life) && life->watch >= 0 && (now = clock_millis()) < until) {
    struct pollfd events = {.fd = inotify_descriptor(), .events = POLLIN};
    poll(&events, 1, (int)(until - now));
  }
  return life->has_ended;
}

/* ---- who is there ---- */

/* Calls `look` for the processes there are, until it says that it has seen enough. */
static bool any_process(int proc, bool (*look)(int proc, const char *pid, void *argument), void *argument) {
  int again = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *processes = again < 0 ? NULL : fdopendir(again);
  bool found = false;
  const struct dirent *entry;
  while (processes != NULL && !found && (entry = readdir(processes)) != NULL) {
    found = isdigit((unsigned char)entry->d_name[0]) && look(proc, entry->d_name, argument);
  }
  if (processes != NULL) {
    closedir(processes);
  }
  return found;
}

static bool is_on(int directory, const char *path, dev_t device) {
  struct stat st;
  return fstatat(directory, path, &st, 0) == 0 && st.st_dev == device;
}

static bool works_there(int proc, const char *pid, void *argument) {
  static const char *const names[] = {"cwd", "root", "exe"};
  const struct life *life = argument;
  char path[PATH_MAX];
  if (strtoul(pid, NULL, 10) == (unsigned long)getpid()) {
    return false;
  }
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    snprintf(path, sizeof path, "%s/%s", pid, names[i]);
    if (is_on(proc, path, life->device)) {
      return true;
    }
  }
  snprintf(path, sizeof path, "%s/fd", pid);
  int files = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *list = files < 0 ? NULL : fdopendir(files);
  bool found = false;
  const struct dirent *entry;
  while (list != NULL && !found && (entry = readdir(list)) != NULL) {
    found = entry->d_name[0] != '.' && is_on(dirfd(list), entry->d_name, life->device);
  }
  if (list != NULL) {
    closedir(list);
  }
  return found;
}

/* ---- where it is mounted ---- */

/* A search through the tables of all mount namespaces. */
struct search {
  const struct life *life;
  const char *id;      /* to look for another place than <id>/merged; null for any */
  char pid[LINK_SIZE]; /* found in the namespace of this process */
  char point[PATH_MAX];
  unsigned count;
  char seen[MAX_NAMESPACES][LINK_SIZE];
};

/* Only a mount of the whole overlay can stand for it. */
static bool is_found(struct search *s, char *line) {
  struct mount_line l;
  if (!parse_mount_line(line, &l) || l.device != s->life->device) {
    return false;
  }
  size_t length = strlen(l.point);
  if (s->id != NULL) {
    char copy[ID_SIZE + 16];
    size_t end = (size_t)snprintf(copy, sizeof copy, "/%s/merged", s->id);
    bool is_copy = l.is_whole && length >= end && strcmp(l.point + length - end, copy) == 0;
    return !is_copy;
  }
  if (!l.is_whole || length >= sizeof s->point) {
    return false;
  }
  strcpy(s->point, l.point);
  return true;
}

static bool search_table(int proc, const char *pid, struct search *s) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/mountinfo", pid);
  int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
  FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
  char *line = NULL;
  size_t size = 0;
  bool found = false;
  while (file != NULL && !found && getline(&line, &size, file) > 0) {
    found = is_found(s, line);
  }
  free(line);
  if (file != NULL) {
    fclose(file);
  }
  snprintf(s->pid, sizeof s->pid, "%s", pid);
  return found;
}

/* Each namespace once. */
static bool search_namespace(int proc, const char *pid, void *argument) {
  struct search *s = argument;
  char path[PATH_MAX], name[LINK_SIZE];
  snprintf(path, sizeof path, "%s/ns/mnt", pid);
  ssize_t length = readlinkat(proc, path, name, sizeof name - 1);
  if (length <= 0) {
    return false; /* Another user's, or it has ended. */
  }
  name[length] = 0;
  for (unsigned i = 0; i < s->count; i++) {
    if (strcmp(s->seen[i], name) == 0) {
      return false;
    }
  }
  if (s->count < MAX_NAMESPACES) {
    strcpy(s->seen[s->count++], name);
  }
  return search_table(proc, pid, s);
}

static int open_proc(void) { return open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC); }

static bool is_mounted_elsewhere(int proc, struct search *s) {
  return search_namespace(proc, "self", s) || any_process(proc, search_namespace, s);
}

bool is_used(struct life *life, const char *id) {
  static struct search search;
  search.life = life;
  search.id = id;
  search.count = 0;
  int proc = open_proc();
  bool used = any_process(proc, works_there, life) || is_mounted_elsewhere(proc, &search);
  if (proc >= 0) {
    close(proc);
  }
  return used && !has_ended(life); /* If it has, another file system may have got its device, and that was found. */
}

/* ---- getting it back ---- */

static int clone_mount(const char *point) {
  return sys_open_tree(AT_FDCWD, point, LS_OPEN_TREE_CLONE | LS_OPEN_TREE_CLOEXEC);
}

/*
 * Clones a mount of another namespace. In a child, which has the same descriptors but a root and a namespace of its own, and a limited time: the
 * path there is another's to make.
 */
static int clone_from(int proc, const char *pid, const char *point) {
  char path[PATH_MAX];
  int result[2], descriptor = -1;
  if (pipe2(result, O_CLOEXEC) != 0) {
    return -1;
  }
  snprintf(path, sizeof path, "%s/ns/mnt", pid);
  int space = openat(proc, path, O_RDONLY | O_CLOEXEC);
  snprintf(path, sizeof path, "%s/root", pid);
  int root = openat(proc, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  long child = space < 0 || root < 0 ? -1 : syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) {
    alarm(CHILD_SECONDS);
    if (setns(space, CLONE_NEWNS) == 0 && fchdir(root) == 0 && chroot(".") == 0) {
      int fd = clone_mount(point);
      if (write(result[1], &fd, sizeof fd) != sizeof fd) {
        _exit(1);
      }
    }
    _exit(0);
  }
  while (child > 0 && waitpid((pid_t)child, NULL, 0) < 0 && errno == EINTR) {
  }
  close(result[1]);
  if (read(result[0], &descriptor, sizeof descriptor) != sizeof descriptor) {
    descriptor = -1;
  }
  close(result[0]);
  if (space >= 0) {
    close(space);
  }
  if (root >= 0) {
    close(root);
  }
  return descriptor;
}

bool bring_back(struct life *life, const char *target) {
  static struct search search;
  search.life = life;
  search.id = NULL;
  search.count = 0;
  int proc = open_proc(), mounted = -1;
  if (is_mounted_elsewhere(proc, &search)) {
    mounted = strcmp(search.pid, "self") == 0 ? clone_mount(search.point) : clone_from(proc, search.pid, search.point);
  }
  struct stat st;
  bool done = mounted >= 0 && fstat(mounted, &st) == 0 && st.st_dev == life->device && !has_ended(life) &&
              sys_move_mount(mounted, "", AT_FDCWD, target, LS_MOVE_MOUNT_F_EMPTY_PATH) == 0;
  if (mounted >= 0) {
    close(mounted);
  }
  if (proc >= 0) {
    close(proc);
  }
  return done;
}

/* ---- the kernel's own answer ---- */

bool is_upper_in_use(const char *id) {
  char target[PATH_MAX], options[PATH_MAX];
  snprintf(target, sizeof target, "%s/merged", id);
  /*
   * The kernel marks the upper directory of every overlay, and with index=on it looks at the mark first. If there is none it fails all the same, because
   * the work directory is no good, and has changed nothing.
   */
  snprintf(options, sizeof options, "index=on,lowerdir=%s/merged,upperdir=%s/diff,workdir=%s/diff", id, id, id);
  return mount("overlay", target, "overlay", 0, options) != 0 && errno == EBUSY;
}
