#include "seen.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

struct key {
  uint64_t device, inode; /* inode 0 marks an unused slot; no file has it */
};

/* Open addressing; the size is a power of two, and at most half is used. */
static struct {
  struct key *slots;
  size_t size, used;
} seen;

void forget_seen(void) {
  free(seen.slots);
  seen.slots = NULL;
  seen.size = seen.used = 0;
}

static struct key *find_slot(struct key key) {
  uint64_t hash = (key.inode ^ key.device << 32) * UINT64_C(0x9E3779B97F4A7C15);
  size_t at = (size_t)(hash >> 20) & (seen.size - 1);
  while (seen.slots[at].inode != 0 && (seen.slots[at].inode != key.inode || seen.slots[at].device != key.device)) {
    at = (at + 1) & (seen.size - 1);
  }
  return &seen.slots[at];
}

static void grow(void) {
  struct key *old = seen.slots;
  size_t old_size = seen.size;
  seen.size = old_size == 0 ? 1024 : 2 * old_size;
  seen.slots = calloc(seen.size, sizeof *seen.slots);
  if (seen.slots == NULL) {
    fail("remember hard links", "", 0);
  }
  for (size_t i = 0; i < old_size; i++) {
    if (old[i].inode != 0) {
      *find_slot(old[i]) = old[i];
    }
  }
  free(old);
}

bool add_seen(uint64_t device, uint64_t inode) {
  if (2 * seen.used >= seen.size) {
    grow();
  }
  struct key key = {device, inode};
  struct key *slot = find_slot(key);
  if (slot->inode != 0) {
    return false;
  }
  *slot = key;
  seen.used++;
  return true;
}
