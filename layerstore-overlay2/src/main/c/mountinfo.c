#include "mountinfo.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

static bool is_octal(char c, char last) { return c >= '0' && c <= last; }

/* Undoes the octal escapes in place. */
static void unescape(char *text) {
  char *to = text;
  for (const char *from = text; *from != 0;) {
    if (from[0] == '\\' && is_octal(from[1], '3') && is_octal(from[2], '7') && is_octal(from[3], '7')) {
      *to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
      from += 4;
    } else {
      *to++ = *from++;
    }
  }
  *to = 0;
}

/* "ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAGS...] - TYPE SOURCE OPTIONS". */
bool parse_mount_line(char *line, struct mount_line *m) {
  unsigned device_major, device_minor;
  int root = 0, root_end = 0, point = 0, point_end = 0;
  if (sscanf(line, "%u %*u %u:%u %n%*s%n %n%*s%n", &m->id, &device_major, &device_minor, &root, &root_end, &point,
             &point_end) != 3 ||
      point_end == 0) {
    return false;
  }
  m->device = makedev(device_major, device_minor);
  m->is_whole = root_end - root == 1;
  const char *tail = strstr(line + point_end, " - ");
  m->type = tail == NULL ? "" : tail + 3;
  m->type_length = strcspn(m->type, " ");
  m->source = m->type + m->type_length + (m->type[m->type_length] == ' ');
  m->source_length = strcspn(m->source, " \n");
  m->options = m->source + m->source_length + (m->source[m->source_length] == ' ');
  line[point_end] = 0;
  m->point = line + point;
  unescape(line + point);
  return true;
}
