/* The inodes with several names that a scan has met. */
#ifndef LAYERSTORE_SEEN_H
#define LAYERSTORE_SEEN_H

#include <stdbool.h>
#include <stdint.h>

/* Forgets all. */
void forget_seen(void);

/* Adds an inode; false if it was there. */
bool add_seen(uint64_t device, uint64_t inode);

#endif
