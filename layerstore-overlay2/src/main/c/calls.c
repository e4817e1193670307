#include "calls.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
  NR_OPEN_TREE = 428,
  NR_MOVE_MOUNT = 429,
  NR_FSOPEN = 430,
  NR_FSCONFIG = 431,
  NR_FSMOUNT = 432,
  NR_CLOSE_RANGE = 436,
  NR_OPENAT2 = 437,
  NR_MOUNT_SETATTR = 442,
  NR_FCHMODAT2 = 452
};

bool no_openat2;

int sys_openat2(int directory, const char *path, uint64_t flags, uint64_t resolve) {
  if (no_openat2) {
    errno = ENOSYS;
    return -1;
  }
  struct {
    uint64_t flags, mode, resolve;
  } how = {flags, 0, resolve};
  return (int)syscall(NR_OPENAT2, directory, path, &how, sizeof how);
}

int sys_fchmodat2(int directory, const char *name, mode_t mode, int flags) {
  if (no_openat2) {
    errno = ENOSYS;
    return -1;
  }
  return (int)syscall(NR_FCHMODAT2, directory, name, mode, flags);
}

int sys_close_range(unsigned first, unsigned last) { return (int)syscall(NR_CLOSE_RANGE, first, last, 0); }

int sys_pivot_root(const char *new_root, const char *put_old) {
  return (int)syscall(SYS_pivot_root, new_root, put_old);
}

int sys_fsopen(const char *type, unsigned flags) { return (int)syscall(NR_FSOPEN, type, flags); }

int sys_fsconfig(int fd, unsigned command, const char *key, const char *value, int aux) {
  return (int)syscall(NR_FSCONFIG, fd, command, key, value, aux);
}

int sys_fsmount(int fd, unsigned flags, unsigned attributes) { return (int)syscall(NR_FSMOUNT, fd, flags, attributes); }

int sys_open_tree(int directory, const char *path, unsigned flags) {
  return (int)syscall(NR_OPEN_TREE, directory, path, flags);
}

int sys_mount_setattr(int fd, uint64_t set) {
  struct {
    uint64_t set, clear, propagation, user_namespace;
  } attributes = {set, 0, 0, 0};
  return (int)syscall(NR_MOUNT_SETATTR, fd, "", LS_AT_EMPTY_PATH, &attributes, sizeof attributes);
}

int sys_move_mount(int from, const char *from_path, int to, const char *to_path, unsigned flags) {
  return (int)syscall(NR_MOVE_MOUNT, from, from_path, to, to_path, flags);
}

ssize_t sys_getdents(int fd, void *buffer, size_t size) { return (ssize_t)syscall(SYS_getdents64, fd, buffer, size); }

static bool call_capset(uint64_t mask) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  for (int i = 0; i < 2; i++) {
    uint32_t half = (uint32_t)(mask >> (32 * i));
    data[i].effective = half;
    data[i].permitted = half;
    data[i].inheritable = 0;
  }
  return syscall(SYS_capset, &header, data) == 0;
}

bool set_capabilities(uint64_t mask) {
  /* Ends at the first number the kernel does not know; without CAP_SETPCAP there is nothing to drop with, and capset is what counts. */
  for (unsigned long i = 0; i < 64; i++) {
    if ((mask >> i & 1) == 0 && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) != 0) {
      break;
    }
  }
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  return call_capset(mask & effective_capabilities());
}

uint64_t effective_capabilities(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2] = {{0, 0, 0}, {0, 0, 0}};
  if (syscall(SYS_capget, &header, data) != 0) {
    return 0;
  }
  return data[0].effective | (uint64_t)data[1].effective << 32;
}
