/* Making one overlay mount, relative to the working directory, which is the driver's home. Used by the modes mount and probe. */
#ifndef LAYERSTORE_OVERLAY_H
#define LAYERSTORE_OVERLAY_H

#include <stddef.h>
#include <stdint.h>

enum { MAX_LOWERS = 500, KERNEL_TEXT = 512 };

/* What to mount. Paths are relative and made of safe parts, so that no ':' or ',' is in them. */
struct overlay {
  const char *lowers[MAX_LOWERS]; /* nearest first */
  unsigned lower_count;
  const char *upper, *work; /* null for a read-only mount */
  const char *target;       /* null for a mount that is attached nowhere */
  const char *label;        /* SELinux label, or empty */
  uint32_t flags;           /* MOUNT_ flags */
};

/* Why it did not work. */
struct overlay_failure {
  uint16_t code;
  int error;
  const char *stage;
  char text[KERNEL_TEXT]; /* what the kernel said */
};

/*
 * Mounts through the new calls (fsopen, Linux 6.7 for lowerdir+) where they are there, else through mount(2); flags can force either. Gives API_NEW or
 * API_CLASSIC, or 0 and *failure. *descriptor is that of a mount without target, else -1.
 */
int mount_overlay(const struct overlay *, int *descriptor, struct overlay_failure *failure);

#endif
