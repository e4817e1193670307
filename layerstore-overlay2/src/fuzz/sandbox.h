/*
 * What the fuzz targets share: a directory in which conversations take place, and a way back from the failures that end the helper.
 *
 * Every input is the standard input of a whole conversation after START. The directory has a file beside the tree the conversation is about;
 * whatever else is there afterwards got out.
 */
#ifndef LAYERSTORE_FUZZ_SANDBOX_H
#define LAYERSTORE_FUZZ_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

#include "process.h"

typedef int conversation(const struct start *start, int root);

/* Makes the directory. As root, becomes nobody first, and then root of a user namespace: what goes wrong here goes wrong in /tmp alone. */
void make_sandbox(void);

/* Makes an empty tree; gives a descriptor of it. */
int make_tree(void);

/* Holds the conversation `talk` about a tree. */
void converse(conversation *talk, int root, const uint8_t *data, size_t size);

/* Checks that nothing outside the tree has changed, and removes the tree. */
void check_sandbox(void);

#endif
