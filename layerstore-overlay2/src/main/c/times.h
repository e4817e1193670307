/* The times of directories, kept until everything in them has been made. */
#ifndef LAYERSTORE_TIMES_H
#define LAYERSTORE_TIMES_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "walk.h"

/* Forgets everything. What does not fit in memory goes to a file without a name below `root`. */
void begin_times(int root);

/* Keeps the access and modification time of the directory at a real path; false and errno if that is not possible. */
bool remember_times(const char *path, size_t length, const struct timespec times[2]);

/* Sets all times, in the order in which they were kept. What is no directory any more is left alone. */
void set_times(const struct walk_rules *rules, struct place *place);

#endif
