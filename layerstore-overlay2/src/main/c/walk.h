/*
 * From a path to the directory its last part is in, never leaving the root.
 *
 * The last part is never followed. Symbolic links before it are read and walked here, not by the kernel: an absolute one starts again at
 * the root, and ".." in it stops at the root, as after chroot; a relative one that climbs above the root is a breakout. Docker's rule since
 * go-archive 0.3.3, but for relative escapes after an absolute link, which are refused here too.
 */
#ifndef LAYERSTORE_WALK_H
#define LAYERSTORE_WALK_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "wire.h"

/* What the walker may do on the way. */
struct walk_rules {
  int root;
  bool follow; /* follow symbolic links inside the root; else they are no directories */
  bool create; /* make missing directories, mode 0755, owned as said */
  uint32_t uid, gid;
  const char *opaque_xattr; /* with create: a whiteout on the way becomes a directory with this attribute */
};

/* A directory that a path led to. Kept from one path to the next: most share it. */
struct place {
  int fd;            /* O_PATH, or -1 */
  bool through_link; /* a symbolic link was followed */
  unsigned walks;    /* counts where it led to: the same number, the same descriptor */
  size_t asked_length, real_length;
  char asked[PATH_MAX]; /* the path as it was asked for */
  char real[PATH_MAX];  /* where it really is */
};

/* Whether `path` is in normalised form and not too long. */
bool is_normal_path(struct bytes path);

/*
 * Leads `place` to the directory `path`. Gives 0; or a CODE_ constant, and the reason in errno: CODE_SYSTEM and ENOENT if it is missing and not to be
 * made.
 */
uint16_t walk_directory(struct place *place, const struct walk_rules *rules, struct bytes path);

/* The same for the directory that `path` is in; `name` becomes its last part, as a string. */
uint16_t walk_parent(struct place *place, const struct walk_rules *rules, struct bytes path, char name[NAME_MAX + 1]);

/* The same if nothing is missing and no link is on the way; else false, and `place` leads nowhere. */
bool walk_parent_at_once(struct place *place, const struct walk_rules *rules, struct bytes path);

/* Forgets the directory: something at or above it may have been removed. */
void forget(struct place *place);

/* Keeps the directory, but takes the next path as a new one: a link that led here may be gone. */
void expire(struct place *place);

/* `name` in `place` as a real path; gives its length. */
size_t real_path(const struct place *place, const char *name, char *path, size_t size);

#endif
