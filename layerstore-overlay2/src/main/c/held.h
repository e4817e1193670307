/*
 * Whether an overlay lives on when its mount is undone: in another mount namespace, which got a copy of the mount when it was made; under another
 * name; or with a process that works in it. A second overlay on the same upper directory is undefined.
 */
#ifndef LAYERSTORE_HELD_H
#define LAYERSTORE_HELD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* One overlay, to be told from others by its device as long as it lives, and by its watch after that. */
struct life {
  dev_t device;
  int watch;
  bool has_ended;
};

/* Begins to watch what is mounted at `target`. */
struct life watch_life(const char *target);

/* Whether it has ended. What cannot be watched may never seem to. */
bool has_ended(struct life *);

/* Milliseconds on the clock of wait_for_end. */
int64_t clock_millis(void);

/*
 * Waits for its end, up to a time on the clock. It comes late with nobody to be seen when a namespace with a copy of the mount ends at this moment,
 * because its last process does: the kernel takes such copies out of every table first, and lets go of them some milliseconds later.
 */
bool wait_for_end(struct life *, int64_t until);

/* Whether anybody keeps it but copies of the mount at <id>/merged in other namespaces, which go with that directory. */
bool is_used(struct life *, const char *id);

/* Mounts it at `target` again, from where it still is. */
bool bring_back(struct life *, const char *target);

/* Whether any overlay of this kernel has <id>/diff as its upper directory; <id>/merged is there and empty, nothing is changed. */
bool is_upper_in_use(const char *id);

#endif
