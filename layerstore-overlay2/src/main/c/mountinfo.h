/* Lines of /proc/<pid>/mountinfo. */
#ifndef LAYERSTORE_MOUNTINFO_H
#define LAYERSTORE_MOUNTINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct mount_line {
  unsigned id;
  dev_t device;
  bool is_whole;     /* the root of the file system is what is mounted */
  const char *point; /* without escapes */
  const char *type, *source;
  const char *options; /* of the file system, to the end of the line, with escapes */
  size_t type_length, source_length;
};

/* Takes a line apart, in place; false if it is of another form. */
bool parse_mount_line(char *line, struct mount_line *);

#endif
