/*
 * Confinement of a process that handles hostile names: it sees one directory as the root of everything, no /proc, and keeps no right it does not
 * need. A mistake in the code after this point can damage that one directory and nothing else.
 */
#ifndef LAYERSTORE_CONFINE_H
#define LAYERSTORE_CONFINE_H

#include <stdint.h>

#include "process.h"

/* The capabilities that writing, reading and deleting a tree take. */
extern const uint64_t CAPABILITIES_APPLY, CAPABILITIES_SCAN, CAPABILITIES_REMOVE;

/*
 * Makes the tree of `start` the root of this process, in a mount namespace of its own where possible, and drops every other capability. Gives a
 * descriptor of the root, and the FACT_ bits of what could be done in *facts. `before_filter`, or null, does what the filter forbids: it may start
 * threads, which are filtered too.
 */
int confine(const struct start *start, uint64_t capabilities, void (*before_filter)(void), uint32_t *facts);

/*
 * Makes home the root with chroot alone, in the caller's mount namespace: a removal has to see what is mounted there, because the kernel
 * silently undoes mounts of other namespaces when their directory is deleted.
 */
int confine_to_home(const struct start *start, uint64_t capabilities, uint32_t *facts);

#endif
