/*
 * New files, made by two threads: most of an archive is small files, and the kernel takes ten times as long to make one as it takes here to read what
 * it is to be.
 *
 * A file waits until settle_files, or until the second thread gets to it. What is done meanwhile must not depend on it: see must_settle_before. The
 * second thread only makes what is not there yet; whatever else comes up it leaves to the caller, who does it in the order of the archive. So nothing
 * that can be seen, and no failure, depends on which thread was faster.
 */
#ifndef LAYERSTORE_FILES_H
#define LAYERSTORE_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "apply.h"
#include "walk.h"

struct new_file {
  struct entry entry; /* its texts and the content stay where they are until the file is settled */
  struct bytes content;
  uint32_t sequence;
  int directory;
  bool is_made;
  char name[NAME_MAX + 1];
};

/* Told of each file, in the order in which they were added; has to make those that could not simply be made. */
typedef void file_settled(const struct new_file *);

/* Forgets everything. */
void begin_files(bool ignores_owners, file_settled *settled);

/* Starts the second thread, if there is a processor for it. Without it settle_files does everything. */
void start_second_thread(void);

/* Adds a file whose entry has no attributes beyond owner, mode and times, and for which nothing has to be settled. */
void add_file(const struct entry *entry, uint32_t sequence, struct bytes content, const struct place *place,
              const char *name);

/* Whether any file waits. */
bool files_wait(void);

/*
 * Whether they have to be settled before something is done at a path: one of them has that path or one that leads there, or no more can wait.
 * Sometimes true without need.
 */
bool must_settle_before(struct bytes path);

/* Returns when no file waits any more. */
void settle_files(void);

#endif
