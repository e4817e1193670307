/*
 * Mounts and unmounts one layer's overlay again and again, with nothing but the system calls:
 *   mount_loop HOME ID COUNT
 * Prints the nanoseconds of all of it. The options are those of layerstore-helper, the lower layers those in ID/lower.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static long long now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int count, char **words) {
  char path[256], lowers[4096], options[8192];
  if (count != 4) {
    fprintf(stderr, "usage: mount_loop HOME ID COUNT\n");
    return 2;
  }
  const char *id = words[2];
  if (chdir(words[1]) != 0) {
    fail(words[1]);
  }
  snprintf(path, sizeof path, "%s/lower", id);
  int fd = open(path, O_RDONLY);
  ssize_t length = fd < 0 ? -1 : read(fd, lowers, sizeof lowers - 1);
  if (length < 0) {
    fail(path);
  }
  close(fd);
  lowers[length] = 0;
  snprintf(options, sizeof options, "index=off,lowerdir=%s,upperdir=%s/diff,workdir=%s/work,redirect_dir=nofollow,metacopy=off",
           lowers, id, id);
  snprintf(path, sizeof path, "%s/merged", id);
  if (mkdir(path, 0700) != 0) {
    fail(path);
  }
  long long start = now();
  for (int i = atoi(words[3]); i > 0; i--) {
    if (mount("overlay", path, "overlay", 0, options) != 0 || umount2(path, UMOUNT_NOFOLLOW) != 0) {
      fail(path);
    }
  }
  printf("%lld\n", now() - start);
  rmdir(path);
  return 0;
}
