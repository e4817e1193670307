/* Deletes a tree of any depth, with a bounded number of descriptors and without following anything. */
#ifndef LAYERSTORE_TREE_H
#define LAYERSTORE_TREE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* Called before a name that is not a directory is removed. `path` begins with the name given to remove_tree. */
typedef void before_removal(void *context, int directory, const char *name, const struct stat *st, const char *path,
                            size_t length);

/* How it ended: 0, or the errno of what failed, with stage and path of it in the fields. */
struct removal {
  int error;
  const char *stage;
  const char *path;
  size_t path_length;
  uint64_t count; /* names removed */
};

/*
 * Removes `name`, a single name, in `directory` and everything below. What has vanished meanwhile is no failure. Never enters another mount: EXDEV then. `before` may
 * be null, which saves a call for each file.
 */
void remove_tree(int directory, const char *name, before_removal *before, void *context, struct removal *result);

/* Opens the directory `name` without following a link and without crossing a mount; -1 and errno if that is not possible. */
int open_directory_below(int directory, const char *name);

#endif
