/*
 * Whether an overlay lives on when its mount is undone: in another mount namespace, which got a copy of the mount when it was made; under another
 * name; or with a process that works in it. A second overlay on the same upper directory is undefined.
 */
#ifndef LAYERSTORE_HELD_H
#define LAYERSTORE_HELD_H

#include <stdbool.h>
#include <sys/types.h>

/* One overlay, to be told from others by its device as long as it lives, and by its watch after that. */
struct life {
  dev_t device;
  int watch;
};

/* Begins to watch what is mounted at `target`. */
struct life watch_life(const char *target);

/* Whether it has ended. What cannot be watched may never seem to. */
bool has_ended(const struct life *);

/* Whether anybody keeps it but copies of the mount at <id>/merged in other namespaces, which go with that directory. */
bool is_used(const struct life *, const char *id);

/* Mounts it at `target` again, from where it still is. */
bool bring_back(const struct life *, const char *target);

/* Whether any overlay of this kernel has <id>/diff as its upper directory; <id>/merged is there and empty, nothing is changed. */
bool is_upper_in_use(const char *id);

#endif
