/*
 * System calls that are younger than the C library this may be built with; their numbers are the same on every architecture. Each gives -1 and
 * ENOSYS where the kernel has none.
 */
#ifndef LAYERSTORE_CALLS_H
#define LAYERSTORE_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* For openat2; as in linux/openat2.h of Linux 5.6. */
#define LS_RESOLVE_NO_XDEV 0x01
#define LS_RESOLVE_NO_MAGICLINKS 0x02
#define LS_RESOLVE_NO_SYMLINKS 0x04
#define LS_RESOLVE_BENEATH 0x08

/* For memfd_create; as in linux/memfd.h of Linux 6.3. Where programs in memory are forbidden, memory without it is too. */
#define LS_MFD_NOEXEC_SEAL 0x08

/* For the mount calls; as in linux/mount.h of Linux 5.2. */
#define LS_FSOPEN_CLOEXEC 1
#define LS_FSMOUNT_CLOEXEC 1
#define LS_FSCONFIG_SET_FLAG 0
#define LS_FSCONFIG_SET_STRING 1
#define LS_FSCONFIG_CMD_CREATE 6
#define LS_MOVE_MOUNT_F_EMPTY_PATH 4
#define LS_OPEN_TREE_CLONE 1
#define LS_OPEN_TREE_CLOEXEC 02000000
#define LS_AT_EMPTY_PATH 0x1000
#define LS_MOUNT_ATTR_RDONLY 1
#define LS_MOUNT_ATTR_NODEV 4

int sys_openat2(int directory, const char *path, uint64_t flags, uint64_t resolve);
int sys_fchmodat2(int directory, const char *name, mode_t mode, int flags);
int sys_close_range(unsigned first, unsigned last);
int sys_pivot_root(const char *new_root, const char *put_old);
int sys_fsopen(const char *type, unsigned flags);
int sys_fsconfig(int fd, unsigned command, const char *key, const char *value, int aux);
int sys_fsmount(int fd, unsigned flags, unsigned attributes);
int sys_open_tree(int directory, const char *path, unsigned flags);
int sys_mount_setattr(int fd, uint64_t set);
int sys_move_mount(int from, const char *from_path, int to, const char *to_path, unsigned flags);

/* One directory entry as getdents64 gives it. */
struct dirent_record {
  uint64_t inode;
  int64_t offset;
  uint16_t length;
  uint8_t type;
  char name[];
};
ssize_t sys_getdents(int fd, void *buffer, size_t size);

/* Sets the three capability sets to `mask` and empties the bounding and ambient sets of everything else. */
bool set_capabilities(uint64_t mask);

/* The capabilities this process has in effect. */
uint64_t effective_capabilities(void);

/* Behave as on a kernel without openat2 and fchmodat2. */
extern bool no_openat2;

#endif
