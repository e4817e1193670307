/* The parts of applying that the fuzz targets use. */
#ifndef LAYERSTORE_APPLY_H
#define LAYERSTORE_APPLY_H

#include <stdbool.h>

#include "process.h"
#include "wire.h"

/* Carries out operations below `root` until the end of input. */
int apply_conversation(const struct start *start, int root);

/* An ENTRY frame. The texts point into the frame. */
struct entry {
  uint8_t type;
  uint16_t xattrs;
  uint32_t mode, uid, gid, major, minor, mtime_nanos, atime_nanos;
  int64_t mtime, atime;
  uint64_t size, stored;
  struct bytes path, link;
};

/* False if something is out of its range. */
bool decode_entry(struct cursor *body, struct entry *entry);

#endif
