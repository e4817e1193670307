#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "calls.h"
#include "protocol.h"
#include "wire.h"

#define BIT(capability) (UINT64_C(1) << (capability))

/* SYS_ADMIN is for attributes of the class trusted.*, which only its holder can see and set. */
const uint64_t CAPABILITIES_APPLY = BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) |
                                    BIT(CAP_MKNOD) | BIT(CAP_SETFCAP) | BIT(CAP_SYS_ADMIN);
/* FOWNER is for reading without a change of the access time. */
const uint64_t CAPABILITIES_SCAN = BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) | BIT(CAP_SYS_ADMIN);
const uint64_t CAPABILITIES_REMOVE = BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER);

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#endif

/* Everything the modes apply, scan and remove call after this point, and what the C library needs to begin a thread and to end. */
/* clang-format off */
static const int allowed_calls[] = {
    SYS_read, SYS_write, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_lseek, SYS_ftruncate, SYS_close, SYS_fcntl,
    SYS_openat, 437 /* openat2 */, SYS_getdents64, SYS_fstat, SYS_fstatfs, SYS_newfstatat, SYS_statx, SYS_readlinkat,
    SYS_mkdirat, SYS_mknodat, SYS_symlinkat, SYS_linkat, SYS_unlinkat, SYS_renameat2,
    SYS_chdir, SYS_fchdir, SYS_fchown, SYS_fchownat, SYS_fchmod, SYS_fchmodat, 452 /* fchmodat2 */, SYS_utimensat,
    SYS_fsetxattr, SYS_lsetxattr, SYS_lgetxattr, SYS_llistxattr,
    SYS_brk, SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_getrandom, SYS_futex,
    SYS_getpid, SYS_gettid, SYS_tgkill, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_restart_syscall,
    SYS_rseq, SYS_set_robust_list, SYS_exit, SYS_exit_group,
};
/* clang-format on */

#ifdef NATIVE_ARCH
enum { CALLS = sizeof allowed_calls / sizeof allowed_calls[0], LEAF = 4 };

/* At most three instructions for a call: two in a leaf, one for its share of what leads there. */
static struct {
  struct sock_filter code[3 * CALLS + 4];
  unsigned short length;
} filter;

static void emit(unsigned short code, uint32_t operand, unsigned if_true, unsigned if_false) {
  filter.code[filter.length++] = (struct sock_filter){code, (uint8_t)if_true, (uint8_t)if_false, operand};
}

/*
 * A search among sorted calls. A list would do the same, but before the kernel lets a filter be it tries each of its system calls: for a list that
 * takes as long as a fork.
 */
static void emit_search(const int *calls, int count) {
  if (count > LEAF) {
    int half = count / 2;
    unsigned short at = filter.length;
    emit(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)calls[half], 0, 0);
    emit_search(calls, half);
    filter.code[at].jt = (uint8_t)(filter.length - at - 1);
    emit_search(calls + half, count - half);
    return;
  }
  for (int i = 0; i < count; i++) {
    emit(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i], (unsigned)(count - i), 0);
  }
  emit(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS, 0, 0);
  emit(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

static int by_number(const void *one, const void *other) { return *(const int *)one - *(const int *)other; }
#endif

/* From here on every other system call of any thread fails with ENOSYS. False where the kernel cannot filter. */
static bool filter_calls(void) {
#ifdef NATIVE_ARCH
  int sorted[CALLS];
  memcpy(sorted, allowed_calls, sizeof sorted);
  qsort(sorted, CALLS, sizeof sorted[0], by_number);
  filter.length = 0;
  emit(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
  emit(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0);
  emit(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
  emit(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
  emit_search(sorted, CALLS);
  struct sock_fprog program = {filter.length, filter.code};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
#else
  return false;
#endif
}

/* Binds the tree onto itself, so that it is a mount that can become the root. Then its path leads to that mount: open it again. */
static int bind_tree(const struct start *start) {
  int tree = open_tree_root(start);
  /* What is mounted below is not part of the tree. A user namespace may not show what such a mount covers: with all of it then. */
  if (fchdir(tree) != 0 ||
      (mount(".", ".", NULL, MS_BIND, NULL) != 0 && mount(".", ".", NULL, MS_BIND | MS_REC, NULL) != 0)) {
    close(tree);
    return -1;
  }
  close(tree);
  tree = open_tree_root(start);
  if (fchdir(tree) != 0) {
    close(tree);
    return -1;
  }
  /* A second line of defence only. In a user namespace flags of the mount below must not be dropped, so they are kept. */
  struct statvfs now;
  if (fstatvfs(tree, &now) == 0) {
    unsigned long kept = now.f_flag & (ST_RDONLY | ST_NOATIME | ST_NODIRATIME);
    mount(NULL, ".", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC | kept, NULL);
  }
  return tree;
}

/* In a mount namespace of its own, with the tree as the root and the old root gone. */
static bool pivot(const struct start *start) {
  /* Below /proc is what another process has mounted for itself alone: from a namespace of one's own it can be seen, but not bound. */
  bool is_elsewhere = strncmp(start->home, "/proc/", 6) == 0;
  if ((start->flags & START_NO_NAMESPACE) != 0 || is_elsewhere || unshare(CLONE_NEWNS) != 0) {
    return false;
  }
  /* Slave, not private: what is unmounted outside must not stay busy in here. */
  if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0) {
    return false;
  }
  int tree = bind_tree(start);
  if (tree < 0) {
    return false;
  }
  /* The documented idiom for a new root without a place to put the old one: they are stacked, then the lower is detached. */
  bool done = sys_pivot_root(".", ".") == 0 && umount2(".", MNT_DETACH) == 0 && chdir("/") == 0;
  close(tree);
  return done;
}

static void drop_rights(uint64_t capabilities, void (*before_filter)(void), uint32_t *facts) {
  if (!set_capabilities(capabilities)) {
    fail("drop capabilities", "", 0);
  }
  if (before_filter != NULL) {
    before_filter();
  }
  if (filter_calls()) {
    *facts |= FACT_SECCOMP;
  }
  int probe = sys_openat2(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC, LS_RESOLVE_NO_MAGICLINKS);
  if (probe >= 0) {
    *facts |= FACT_OPENAT2;
    close(probe);
  }
}

/* Opens the new root; with chroot the descriptor that led there is closed first. */
static int open_root(void) {
  int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) {
    fail("open new root", "/", 1);
  }
  return root;
}

static void change_root(int directory) {
  if (fchdir(directory) != 0 || chroot(".") != 0 || chdir("/") != 0) {
    fail("change root", "", 0);
  }
  close(directory);
}

int confine(const struct start *start, uint64_t capabilities, void (*before_filter)(void), uint32_t *facts) {
  *facts = 0;
  if (pivot(start)) {
    *facts |= FACT_PIVOTED;
  } else {
    change_root(open_tree_root(start));
    *facts |= FACT_CHROOTED;
  }
  int root = open_root();
  drop_rights(capabilities, before_filter, facts);
  return root;
}

int confine_to_home(const struct start *start, uint64_t capabilities, uint32_t *facts) {
  *facts = FACT_CHROOTED;
  change_root(open_home(start));
  int root = open_root();
  drop_rights(capabilities, NULL, facts);
  return root;
}
