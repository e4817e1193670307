#include "sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "calls.h"
#include "tree.h"
#include "wire.h"

enum { NOBODY = 65534, MAX_FILE = 4 << 20 };

static const char canary_text[] = "untouched";
static char path[] = "/tmp/layerstore-fuzz-XXXXXX";
static int directory, nowhere;
static jmp_buf back;

/* Takes the place of the helper's: the process goes on with the next input. */
_Noreturn void quit(int status) { longjmp(back, status + 1); }

static _Noreturn void stop(const char *what) {
  perror(what);
  abort();
}

static void remove_sandbox(void) {
  struct removal result;
  int above = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  remove_tree(above, path + strlen("/tmp/"), NULL, NULL, &result);
}

static void write_file(const char *name, const char *text) {
  int fd = open(name, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
    stop(name);
  }
  close(fd);
}

/* In a user namespace of its own this process may enter the directories without rights that inputs make. */
static void become_own_root(void) {
  char map[64];
  unsigned uid = geteuid(), gid = getegid();
  if (unshare(CLONE_NEWUSER) != 0) {
    stop("make user namespace");
  }
  write_file("/proc/self/setgroups", "deny");
  snprintf(map, sizeof map, "0 %u 1", uid);
  write_file("/proc/self/uid_map", map);
  snprintf(map, sizeof map, "0 %u 1", gid);
  write_file("/proc/self/gid_map", map);
}

/* Not done again by a child of libFuzzer's, which is root of the namespace already. */
static void give_up_rights(void) {
  if (geteuid() == 0 && setgroups(0, NULL) != 0) {
    return;
  }
  if (geteuid() == 0 && (setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0)) {
    stop("become nobody");
  }
  prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* else /proc/self belongs to root */
  become_own_root();
}

void make_sandbox(void) {
  give_up_rights();
  umask(0);
  /* As with START.maxFileSize: a file of 2^62 bytes that is all hole takes no space, but time to hand back. */
  struct rlimit limit = {MAX_FILE, MAX_FILE};
  if (setrlimit(RLIMIT_FSIZE, &limit) != 0) {
    stop("limit file size");
  }
  nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (mkdtemp(path) == NULL || (directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0) {
    stop("make directory");
  }
  int canary = openat(directory, "canary", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (canary < 0 || write(canary, canary_text, sizeof canary_text) != (ssize_t)sizeof canary_text) {
    stop("make canary");
  }
  close(canary);
  atexit(remove_sandbox);
}

int make_tree(void) {
  if (mkdirat(directory, "tree", 0755) != 0) {
    stop("make tree");
  }
  int root = openat(directory, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) {
    stop("open tree");
  }
  return root;
}

void converse(conversation *talk, int root, const uint8_t *data, size_t size) {
  static struct start start;
  start.flags = START_USER_XATTR | START_IGNORE_OWNERS | (size > 0 && data[size - 1] % 2 != 0 ? START_NO_OPENAT2 : 0);
  no_openat2 = (start.flags & START_NO_OPENAT2) != 0;
  /* Descriptors that a failure leaves open have numbers from here on. */
  volatile int first = fcntl(root, F_DUPFD_CLOEXEC, 0);
  int input = memfd_create("input", MFD_CLOEXEC);
  if (input < 0 || write(input, data, size) != (ssize_t)size || lseek(input, 0, SEEK_SET) != 0) {
    stop("make input");
  }
  signal(SIGXFSZ, SIG_IGN); /* libFuzzer sets it too, after make_sandbox */
  wire_open(input, nowhere);
  if (setjmp(back) == 0) {
    talk(&start, root);
  }
  if (fchdir(directory) != 0) {
    stop("go back");
  }
  sys_close_range((unsigned)first, ~0u);
  close(root);
}

void check_sandbox(void) {
  char text[sizeof canary_text];
  struct stat st;
  int canary = openat(directory, "canary", O_RDONLY | O_CLOEXEC);
  if (canary < 0 || fstat(canary, &st) != 0 || st.st_nlink != 1 || (st.st_mode & 07777) != 0600 ||
      read(canary, text, sizeof text) != (ssize_t)sizeof text || memcmp(text, canary_text, sizeof text) != 0) {
    stop("canary");
  }
  close(canary);
  int entries = 0;
  DIR *stream = fdopendir(openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  while (readdir(stream) != NULL) {
    entries++;
  }
  closedir(stream);
  if (entries != 4) { /* ".", "..", the canary and the tree */
    stop("something got out");
  }
  struct removal result;
  remove_tree(directory, "tree", NULL, NULL, &result);
  if (result.error != 0) {
    errno = result.error;
    stop("remove tree");
  }
}
