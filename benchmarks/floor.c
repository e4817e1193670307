/*
 * What benchmarks compare with: nothing but the system calls.
 *   floor mounts HOME ID COUNT CALLS   mounts and unmounts one layer's overlay so many times
 *   floor cycles HOME ID COUNT CALLS   makes a layer beside it with the same layers below, mounts, unmounts and deletes it so many times
 *   floor read DIRECTORY               reads every file below a directory
 * CALLS is "new" for fsopen(2), fsconfig(2), fsmount(2) and move_mount(2), the calls that layerstore-helper makes on this kernel, one for each option and
 * lower layer; or "classic" for one mount(2). Prints the nanoseconds of all of it. The options are those of the helper, the lower layers those in ID/lower.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Not every C library declares them; they are the same on every architecture. */
enum { NR_MOVE_MOUNT = 429, NR_FSOPEN = 430, NR_FSCONFIG = 431, NR_FSMOUNT = 432 };
enum { OPEN_CLOEXEC = 1, MOUNT_CLOEXEC = 1, SET_STRING = 1, CREATE = 6, FROM_EMPTY_PATH = 4 };
enum { MAX_LOWERS = 500 };

static char upper[128], work[128], target[128], text[16384];
static char *lowers[MAX_LOWERS];
static int lower_count;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void set(int context, const char *key, const char *value) {
  if (syscall(NR_FSCONFIG, context, SET_STRING, key, value, 0) != 0) {
    fail(key);
  }
}

static void mount_new(void) {
  int context = (int)syscall(NR_FSOPEN, "overlay", OPEN_CLOEXEC);
  if (context < 0) {
    fail("fsopen");
  }
  set(context, "source", "overlay");
  set(context, "index", "off");
  set(context, "redirect_dir", "nofollow");
  set(context, "metacopy", "off");
  for (int i = 0; i < lower_count; i++) {
    set(context, "lowerdir+", lowers[i]);
  }
  set(context, "upperdir", upper);
  set(context, "workdir", work);
  if (syscall(NR_FSCONFIG, context, CREATE, NULL, NULL, 0) != 0) {
    fail("fsconfig");
  }
  int mounted = (int)syscall(NR_FSMOUNT, context, MOUNT_CLOEXEC, 0);
  if (mounted < 0) {
    fail("fsmount");
  }
  close(context);
  if (syscall(NR_MOVE_MOUNT, mounted, "", AT_FDCWD, target, FROM_EMPTY_PATH) != 0) {
    fail("move_mount");
  }
  close(mounted);
}

static void mount_classic(const char *options) {
  if (mount("overlay", target, "overlay", 0, options) != 0) {
    fail("mount");
  }
}

static char options[32768];
static int is_new;

static void mount_it(void) {
  if (is_new) {
    mount_new();
  } else {
    mount_classic(options);
  }
}

/* The paths of the layer, relative to HOME. */
static void name_layer(const char *id) {
  snprintf(upper, sizeof upper, "%s/diff", id);
  snprintf(work, sizeof work, "%s/work", id);
  snprintf(target, sizeof target, "%s/merged", id);
  snprintf(options, sizeof options, "index=off,lowerdir=%s,upperdir=%s,workdir=%s,redirect_dir=nofollow,metacopy=off",
           text, upper, work);
}

static void make(const char *path) {
  if (mkdir(path, 0700) != 0) {
    fail(path);
  }
}

static void unmake(const char *path) {
  if (rmdir(path) != 0) {
    fail(path);
  }
}

static void cycle(const char *id) {
  char inner[160], link[32], file[160];
  make(id);
  make(upper);
  make(work);
  make(target);
  snprintf(file, sizeof file, "%s/lower", id);
  int fd = open(file, O_WRONLY | O_CREAT | O_EXCL, 0644);
  if (fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd) != 0) {
    fail(file);
  }
  snprintf(link, sizeof link, "l/%s", id);
  snprintf(inner, sizeof inner, "../%s/diff", id);
  if (symlink(inner, link) != 0) {
    fail(link);
  }
  mount_it();
  if (umount2(target, UMOUNT_NOFOLLOW) != 0 || unlink(link) != 0 || unlink(file) != 0) {
    fail(id);
  }
  snprintf(inner, sizeof inner, "%s/work", work);
  unmake(inner);
  unmake(upper);
  unmake(work);
  unmake(target);
  unmake(id);
}

static int read_file(const char *path, const struct stat *status, int type, struct FTW *where) {
  static char buffer[1 << 16];
  (void)status;
  (void)where;
  if (type == FTW_F) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
      fail(path);
    }
    while (read(fd, buffer, sizeof buffer) > 0) {
    }
    close(fd);
  }
  return 0;
}

static void read_lowers(const char *id) {
  char path[256];
  snprintf(path, sizeof path, "%s/lower", id);
  int fd = open(path, O_RDONLY);
  ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (length < 0) {
    fail(path);
  }
  close(fd);
  text[length] = 0;
}

int main(int count, char **words) {
  if (count == 3 && strcmp(words[1], "read") == 0) {
    long long start = now();
    if (nftw(words[2], read_file, 64, FTW_PHYS) != 0) {
      fail(words[2]);
    }
    printf("%lld\n", now() - start);
    return 0;
  }
  if (count != 6) {
    fprintf(stderr, "usage: floor mounts|cycles HOME ID COUNT new|classic, or floor read DIRECTORY\n");
    return 2;
  }
  is_new = strcmp(words[5], "new") == 0;
  if (chdir(words[2]) != 0) {
    fail(words[2]);
  }
  int is_cycle = strcmp(words[1], "cycles") == 0;
  read_lowers(words[3]);
  name_layer(is_cycle ? "floor-cycle" : words[3]);
  char *copy = strdup(text);
  for (char *lower = strtok(copy, ":"); lower != NULL && lower_count < MAX_LOWERS; lower = strtok(NULL, ":")) {
    lowers[lower_count++] = lower;
  }
  if (!is_cycle) {
    make(target);
  }
  long long start = now();
  for (int i = atoi(words[4]); i > 0; i--) {
    if (is_cycle) {
      cycle("floor-cycle");
    } else {
      mount_it();
      if (umount2(target, UMOUNT_NOFOLLOW) != 0) {
        fail(target);
      }
    }
  }
  printf("%lld\n", now() - start);
  if (!is_cycle) {
    rmdir(target);
  }
  return 0;
}
