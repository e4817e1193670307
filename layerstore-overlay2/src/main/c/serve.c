/*
 * serve: one process for as long as a store is open. It forks a process for each conversation and does nothing else: it reads no names from images
 * and never mounts, so that what goes wrong in a conversation goes wrong there. A fork takes a tenth of what starting a program takes, and a user
 * namespace with its id maps is made once.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"
#include "modes.h"
#include "process.h"
#include "wire.h"

/* Nobody else is served while one waits for the end of a process; so long at most. */
enum { PATIENCE_NANOS = 10 * 1000 * 1000, PIPE_BYTES = 1 << 20, SHARED_BYTES = 1 << 20, STATUS_OF_SIGNAL = 128 };

static const struct {
  const char *name;
  int (*run)(const struct start *);
} modes[] = {
    [MODE_PROBE] = {"probe", probe_mode}, [MODE_MOUNT] = {"mount", mount_mode},    [MODE_APPLY] = {"apply", apply_mode},
    [MODE_SCAN] = {"scan", scan_mode},    [MODE_REMOVE] = {"remove", remove_mode}, [MODE_SYNC] = {"sync", sync_mode},
};

static struct {
  uint32_t flags; /* of START */
  char *title;
  sigset_t child_ended;
  int to_child, from_child, memory; /* the ends of a conversation that the Java side has yet to open; or -1 */
} s;

/* Where the user's pipe quota is used up the old size stays. */
static bool make_pipe(int ends[2]) {
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return false;
  }
  fcntl(ends[0], F_SETPIPE_SZ, PIPE_BYTES);
  return true;
}

static void close_end(int *fd) {
  if (*fd >= 0) {
    close(*fd);
  }
  *fd = -1;
}

static void close_pipe(int ends[2]) {
  close_end(&ends[0]);
  close_end(&ends[1]);
}

/* Memory to be shared with the Java side, whose size nobody can change. */
static bool make_memory(void) {
  s.memory = memfd_create("layerstore", MFD_CLOEXEC | MFD_ALLOW_SEALING | LS_MFD_NOEXEC_SEAL);
  if (s.memory < 0 && errno == EINVAL) {
    s.memory = memfd_create("layerstore", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  }
  return s.memory >= 0 && ftruncate(s.memory, SHARED_BYTES) == 0 &&
         fcntl(s.memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;
}

/* As long as the pipes are open, neither side notices the other's end. */
static void close_ends(void) {
  close_end(&s.to_child);
  close_end(&s.from_child);
  close_end(&s.memory);
}

/* Becomes the other side of a conversation. */
static _Noreturn void converse(uint8_t mode, struct start *start, pid_t server, int in, int out) {
  bool in_namespace = (s.flags & START_USER_NAMESPACE) != 0;
  /* Mounts that everybody sees are undone by their process, at the end of its input; those of a user namespace go with it. */
  if (mode != MODE_MOUNT || in_namespace) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != server) {
      quit(EXIT_FAILED);
    }
  }
  if (dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0) {
    quit(EXIT_FAILED);
  }
  const void *shared = s.memory < 0 ? NULL : mmap(NULL, SHARED_BYTES, PROT_READ, MAP_SHARED, s.memory, 0);
  if (shared == MAP_FAILED) {
    quit(EXIT_FAILED);
  }
  close_others();
  sigprocmask(SIG_UNBLOCK, &s.child_ended, NULL);
  /* For whoever looks at the list of processes. */
  strncpy(s.title, modes[mode].name, strlen(s.title));
  start->flags |= in_namespace ? START_USER_NAMESPACE : 0;
  apply_limits(start);
  wire_open(STDIN_FILENO, STDOUT_FILENO);
  wire_share(shared, SHARED_BYTES);
  int status = modes[mode].run(start);
  wire_flush();
  quit(status);
}

static void fork_process(struct frame *f) {
  static struct start start;
  uint8_t mode;
  if (!decode_fork(&f->body, &mode, &start) || mode < MODE_PROBE || mode > MODE_SYNC) {
    protocol_error(f->sequence, "FORK");
  }
  close_ends();
  int in[2] = {-1, -1}, out[2] = {-1, -1};
  pid_t server = getpid(), pid = -1;
  bool is_ready = make_pipe(in) && make_pipe(out) && (mode != MODE_APPLY || make_memory());
  if (is_ready) {
    pid = fork();
  }
  if (pid < 0) {
    report(CODE_SYSTEM, errno, is_ready ? "fork" : "make pipes and memory", "", 0, "");
    close_pipe(in);
    close_pipe(out);
    close_ends();
    return;
  }
  if (pid == 0) {
    converse(mode, &start, server, in[0], out[1]);
  }
  close(in[0]);
  close(out[1]);
  s.to_child = in[1];
  s.from_child = out[0];
  put_frame(OP_FORKED, f->sequence);
  put_u32((uint32_t)pid);
  put_u32((uint32_t)s.to_child);
  put_u32((uint32_t)s.from_child);
  put_u32(s.memory < 0 ? 0 : (uint32_t)s.memory);
  put_end();
}

/* Waits until the process has ended, with everything it held; not for long. Its number stays taken until this says so. */
static void reap(uint32_t sequence, pid_t pid) {
  static const struct timespec patience = {0, PATIENCE_NANOS};
  int status = 0;
  pid_t ended = waitpid(pid, &status, WNOHANG);
  /* The signal may be that of another process, or one that nobody has waited for. */
  while (ended == 0 && sigtimedwait(&s.child_ended, NULL, &patience) == SIGCHLD) {
    ended = waitpid(pid, &status, WNOHANG);
  }
  if (ended < 0) {
    report(CODE_SYSTEM, errno, "wait for process", "", 0, "");
    return;
  }
  put_frame(OP_REAPED, sequence);
  put_u8(ended == pid);
  put_u32((uint32_t)(WIFSIGNALED(status) ? STATUS_OF_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status)));
  put_end();
}

static void answer(struct frame *f) {
  uint32_t pid;
  switch (f->opcode) {
    case OP_FORK:
      fork_process(f);
      return;
    case OP_OPENED:
      close_ends();
      return;
    case OP_REAP:
      pid = take_u32(&f->body);
      if (!taken(&f->body) || pid == 0 || pid > INT32_MAX) {
        protocol_error(f->sequence, "REAP");
      }
      reap(f->sequence, (pid_t)pid);
      return;
    default:
      protocol_error(f->sequence, "frame out of turn");
  }
}

int serve(char *title) {
  clean_process();
  wire_open(STDIN_FILENO, STDOUT_FILENO);
  s.title = title;
  s.to_child = s.from_child = s.memory = -1;
  sigemptyset(&s.child_ended);
  sigaddset(&s.child_ended, SIGCHLD);
  sigprocmask(SIG_BLOCK, &s.child_ended, NULL);
  s.flags = read_start();
  say_hello(0);
  struct frame f;
  while (wire_next(&f)) {
    current_sequence = f.sequence;
    answer(&f);
  }
  /* What is left finds the end of its own input. */
  close_ends();
  while (waitpid(-1, NULL, 0) > 0 || errno == EINTR) {
  }
  return EXIT_DONE;
}
