#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "calls.h"
#include "wire.h"

enum { MAX_DESCRIPTORS = 1024 };

/* The JVM hands down a blocked SIGQUIT and whatever its host application ignores. */
static void reset_signals(void) {
  struct sigaction action = {.sa_handler = SIG_DFL};
  for (int i = 1; i < NSIG; i++) {
    sigaction(i, &action, NULL); /* Fails for SIGKILL, SIGSTOP and the C library's own. */
  }
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, NULL); /* A write to a dead JVM gives EPIPE, */
  sigaction(SIGXFSZ, &action, NULL); /* one past the limit EFBIG. */
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
}

void close_others(void) {
  if (sys_close_range(3, ~0u) == 0) {
    return;
  }
  struct rlimit limit;
  rlim_t count = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < 1 << 20 ? limit.rlim_max : 1 << 20;
  for (int fd = 3; (rlim_t)fd < count; fd++) {
    close(fd);
  }
}

static void set_limit(int resource, rlim_t value) {
  struct rlimit old;
  if (getrlimit(resource, &old) == 0) {
    rlim_t hard = old.rlim_max != RLIM_INFINITY && old.rlim_max < value ? old.rlim_max : value;
    setrlimit(resource, &(struct rlimit){hard, hard});
  }
}

void clean_process(void) {
  close_others();
  clearenv();
  setsid(); /* Terminal signals go to the JVM's group, and it decides what becomes of us. */
  reset_signals();
  umask(0);
  set_limit(RLIMIT_CORE, 0);
  set_limit(RLIMIT_NOFILE, MAX_DESCRIPTORS);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  /* Nobody may make us wait by not reading what we complain about. */
  fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK);
}

bool is_safe_id(const char *name) {
  size_t length = strlen(name);
  if (length == 0 || length > MAX_ID) {
    return false;
  }
  for (size_t i = 0; i < length; i++) {
    char c = name[i];
    bool alphanumeric = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (!alphanumeric && (i == 0 || (c != '_' && c != '.' && c != '-'))) {
      return false;
    }
  }
  return true;
}

/* Copies bytes to a string; false if they do not fit or contain NUL. */
static bool copy_string(struct bytes from, char *to, size_t size) {
  if (from.length >= size || memchr(from.at, 0, from.length) != NULL) {
    return false;
  }
  memcpy(to, from.at, from.length);
  to[from.length] = 0;
  return true;
}

bool take_id(struct cursor *c, char id[ID_SIZE]) { return copy_string(take_bytes(c), id, ID_SIZE) && is_safe_id(id); }

bool decode_fork(struct cursor *body, uint8_t *mode, struct start *start) {
  *mode = take_u8(body);
  start->flags = take_u32(body);
  start->root_uid = take_u32(body);
  start->root_gid = take_u32(body);
  start->max_file_size = take_u64(body);
  start->tree = take_u8(body);
  struct bytes home = take_bytes(body);
  struct bytes id = take_bytes(body);
  if (!taken(body) || !copy_string(home, start->home, sizeof start->home) ||
      !copy_string(id, start->id, sizeof start->id) || start->home[0] != '/') {
    return false;
  }
  return start->tree == TREE_HOME ? start->id[0] == 0 : start->tree == TREE_DIFF && is_safe_id(start->id);
}

static void write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text)) {
    fail("map ids of user namespace", path, strlen(path));
  }
  close(fd);
}

/* A user namespace in which the caller's user is root, and the only one unless the caller writes maps of its own. */
static void enter_user_namespace(uint32_t flags) {
  unsigned uid = geteuid(), gid = getegid();
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
    fail("enter user namespace", "", 0);
  }
  if ((flags & START_MAP_BY_CALLER) != 0) {
    put_frame(OP_MAP, current_sequence);
    put_u32((uint32_t)getpid());
    put_end();
    struct frame answer;
    wire_expect(&answer, OP_MAPPED);
    if (!taken(&answer.body)) {
      protocol_error(answer.sequence, "MAPPED");
    }
  } else {
    char map[64];
    write_file("/proc/self/setgroups", "deny");
    snprintf(map, sizeof map, "0 %u 1", uid);
    write_file("/proc/self/uid_map", map);
    snprintf(map, sizeof map, "0 %u 1", gid);
    write_file("/proc/self/gid_map", map);
  }
  if (geteuid() != 0 || getegid() != 0) {
    fail_code(CODE_SYSTEM, EINVAL, "map ids of user namespace", "", 0);
  }
}

uint32_t read_start(void) {
  struct frame f;
  wire_expect(&f, OP_START);
  current_sequence = f.sequence;
  uint32_t version = take_u32(&f.body), flags = take_u32(&f.body);
  if (version != PROTOCOL_VERSION || !taken(&f.body)) {
    protocol_error(f.sequence, "START");
  }
  if ((flags & START_USER_NAMESPACE) != 0) {
    enter_user_namespace(flags);
  }
  return flags;
}

void apply_limits(const struct start *start) {
  no_openat2 = (start->flags & START_NO_OPENAT2) != 0;
  if (start->max_file_size > 0) {
    set_limit(RLIMIT_FSIZE, start->max_file_size);
  }
}

void say_hello(uint32_t facts) {
  put_frame(OP_HELLO, current_sequence);
  put_u32(PROTOCOL_VERSION);
  put_u32((uint32_t)getpid());
  put_u32(facts);
  put_end();
}

int open_home(const struct start *start) {
  int fd = open(start->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    fail("open driver home", start->home, strlen(start->home));
  }
  return fd;
}

int open_tree_root(const struct start *start) {
  int home = open_home(start);
  if (start->tree == TREE_HOME) {
    return home;
  }
  int layer = openat(home, start->id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (layer < 0) {
    fail("open layer", start->id, strlen(start->id));
  }
  int root = openat(layer, "diff", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (root < 0) {
    fail("open diff directory of layer", start->id, strlen(start->id));
  }
  close(layer);
  close(home);
  return root;
}
