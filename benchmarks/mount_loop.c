/*
 * Mounts and unmounts one layer's overlay again and again, with nothing but the system calls:
 *   mount_loop HOME ID COUNT CALLS
 * CALLS is "new" for fsopen(2), fsconfig(2), fsmount(2) and move_mount(2), the calls that layerstore-helper makes on this kernel, one for each option and
 * lower layer; or "classic" for one mount(2). Prints the nanoseconds of all of it. The options are those of the helper, the lower layers those in ID/lower.
 */
#include <fcntl.h>
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

int main(int count, char **words) {
  char path[256], options[32768];
  int is_new = count == 5 && strcmp(words[4], "new") == 0;
  if (count != 5 || (!is_new && strcmp(words[4], "classic") != 0)) {
    fprintf(stderr, "usage: mount_loop HOME ID COUNT new|classic\n");
    return 2;
  }
  const char *id = words[2];
  if (chdir(words[1]) != 0) {
    fail(words[1]);
  }
  snprintf(upper, sizeof upper, "%s/diff", id);
  snprintf(work, sizeof work, "%s/work", id);
  snprintf(target, sizeof target, "%s/merged", id);
  snprintf(path, sizeof path, "%s/lower", id);
  int fd = open(path, O_RDONLY);
  ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (length < 0) {
    fail(path);
  }
  close(fd);
  text[length] = 0;
  snprintf(options, sizeof options, "index=off,lowerdir=%s,upperdir=%s,workdir=%s,redirect_dir=nofollow,metacopy=off",
           text, upper, work);
  for (char *lower = strtok(text, ":"); lower != NULL && lower_count < MAX_LOWERS; lower = strtok(NULL, ":")) {
    lowers[lower_count++] = lower;
  }
  if (mkdir(target, 0700) != 0) {
    fail(target);
  }
  long long start = now();
  for (int i = atoi(words[3]); i > 0; i--) {
    if (is_new) {
      mount_new();
    } else {
      mount_classic(options);
    }
    if (umount2(target, UMOUNT_NOFOLLOW) != 0) {
      fail(target);
    }
  }
  printf("%lld\n", now() - start);
  rmdir(target);
  return 0;
}
