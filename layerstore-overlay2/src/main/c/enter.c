/*
 * enter: becomes another program, inside a mount. No conversation and no frames: what the caller's program gets is what this process got, its
 * standard streams, environment and signals, with another directory and, if asked for, other namespaces.
 *
 *     layerstore-helper enter PID directory|root PATH COMMAND [ARGUMENT...]
 *
 * PID is a process in whose user and mount namespace the path is, 0 for those of this process; PATH is absolute, in hexadecimal, because the caller
 * may not be able to say every byte on a command line. Ends with 125 if it cannot get in, 126 or 127 if it cannot run the command, as a shell does.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "modes.h"

enum { EXIT_NOT_ENTERED = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127, FIRST_WORD = 5 };

static int failed(const char *what, const char *name) {
  fprintf(stderr, "layerstore: cannot %s %s: %s\n", what, name, strerror(errno));
  return EXIT_NOT_ENTERED;
}

static int digit(char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; }

static bool decode_path(const char *text, char path[PATH_MAX]) {
  size_t length = strlen(text) / 2;
  if (strlen(text) % 2 != 0 || length >= PATH_MAX) {
    return false;
  }
  for (size_t i = 0; i < length; i++) {
    int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0 || (high == 0 && low == 0)) {
      return false;
    }
    path[i] = (char)(high << 4 | low);
  }
  path[length] = 0;
  return path[0] == '/';
}

static bool decode_pid(const char *text, unsigned *pid) {
  char *end;
  errno = 0;
  unsigned long number = strtoul(text, &end, 10);
  *pid = (unsigned)number;
  return digit(text[0]) >= 0 && digit(text[0]) <= 9 && *end == 0 && errno == 0 && number <= INT_MAX;
}

static int open_namespace(unsigned pid, const char *name) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%u/ns/%s", pid, name);
  return open(path, O_RDONLY | O_CLOEXEC);
}

/* Both are opened first: from inside the one the other may be out of reach. */
static bool join(unsigned pid) {
  int user = open_namespace(pid, "user"), mount = open_namespace(pid, "mnt");
  return user >= 0 && mount >= 0 && setns(user, CLONE_NEWUSER) == 0 && setns(mount, CLONE_NEWNS) == 0;
}

int enter_mode(int argc, char **argv) {
  unsigned pid;
  char path[PATH_MAX];
  if (argc <= FIRST_WORD || !decode_pid(argv[2], &pid) || !decode_path(argv[4], path)) {
    return -1;
  }
  bool is_root = strcmp(argv[3], "root") == 0;
  if (!is_root && strcmp(argv[3], "directory") != 0) {
    return -1;
  }
  if (pid != 0 && !join(pid)) {
    return failed("join the namespaces of process", argv[2]);
  }
  if (chdir(path) != 0 || (is_root && (chroot(".") != 0 || chdir("/") != 0))) {
    return failed("enter", path);
  }
  /* A shell believes it if it leads to where it is, and shows a path that makes sense. */
  setenv("PWD", is_root ? "/" : path, 1);
  execvp(argv[FIRST_WORD], argv + FIRST_WORD);
  int status = errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
  failed("run", argv[FIRST_WORD]);
  return status;
}
