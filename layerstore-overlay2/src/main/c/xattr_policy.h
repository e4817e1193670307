/*
 * Which extended attributes an archive may set, and under which name.
 *
 * Overlay's own attributes would change what a mount shows: a redirect makes one directory appear as another, an opaque mark hides one. So
 * trusted.overlay.X is stored as trusted.overlay.overlay.X, which the kernel shows as trusted.overlay.X inside a mount and does not act on, and the
 * same in user.overlay.*; on the way out the true name comes back.
 *
 * Labels and signatures are set as Docker sets them: a kernel that appraises refuses to run a file without its own. They are the only attributes
 * that a security module of this machine may judge and set as well, so a value that it does not like is no reason to refuse the layer, and they
 * are not shown on the way out. The access control lists of NFS are for file systems that do not hold layers.
 */
#ifndef LAYERSTORE_XATTR_POLICY_H
#define LAYERSTORE_XATTR_POLICY_H

#include <stdbool.h>

#include "wire.h"

enum { XATTR_NAME_SIZE = 256 };

/* Whether the kernel could take it for a name at all. */
bool is_xattr_name(struct bytes name);

/* Whether it is a label or signature, whose value a security module of this machine may refuse. */
bool is_label(const char *name);

/* The name to store an archive's attribute under; false if it is not to be stored. */
bool stored_xattr_name(struct bytes name, char stored[XATTR_NAME_SIZE]);

/*
 * The true name of a stored attribute; null if it is none of the tree's: one of overlay's own, whose names begin with `overlay`, or of this machine.
 */
const char *true_xattr_name(const char *stored, const char *overlay, char name[XATTR_NAME_SIZE]);

/* How the names of overlay's own attributes begin, with a user namespace and without. */
extern const char overlay_user[], overlay_trusted[];

#endif
