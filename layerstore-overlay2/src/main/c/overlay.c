#include "overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "calls.h"
#include "protocol.h"

static int failed(struct overlay_failure *f, uint16_t code, int error, const char *stage) {
  f->code = code;
  f->error = error;
  f->stage = stage;
  return 0;
}

/* ---- the new calls ---- */

/* Adds what the kernel has to say about a file system context: lines like "e overlay: ...". */
static void read_messages(int context, char text[KERNEL_TEXT]) {
  size_t used = 0;
  text[0] = 0;
  while (used + 1 < KERNEL_TEXT) {
    ssize_t got = read(context, text + used, KERNEL_TEXT - 1 - used);
    if (got <= 0) {
      break;
    }
    used += (size_t)got;
    text[used] = 0;
  }
  while (used > 0 && text[used - 1] == '\n') {
    text[--used] = 0;
  }
}

static bool set_string(int context, const char *key, const char *value) {
  return sys_fsconfig(context, LS_FSCONFIG_SET_STRING, key, value, 0) == 0;
}

/* A mount that is to outlive its maker looks like one of Docker's. */
static const char *source_of(const struct overlay *o) {
  return (o->flags & MOUNT_PERSISTENT) != 0 ? "overlay" : SOURCE_OF_STORE;
}

/* The options in Docker's order, then those that keep an upper directory a complete diff. */
static bool configure(int context, const struct overlay *o) {
  bool done = set_string(context, "source", source_of(o));
  if (done && (o->flags & MOUNT_INDEX_OFF) != 0) {
    done = set_string(context, "index", "off");
  }
  if (done && (o->flags & MOUNT_USERXATTR) != 0) {
    done = sys_fsconfig(context, LS_FSCONFIG_SET_FLAG, "userxattr", NULL, 0) == 0;
  }
  if (done && (o->flags & MOUNT_REDIRECT_NOFOLLOW) != 0) {
    done = set_string(context, "redirect_dir", "nofollow");
  }
  if (done && (o->flags & MOUNT_METACOPY_OFF) != 0) {
    done = set_string(context, "metacopy", "off");
  }
  for (unsigned i = 0; done && i < o->lower_count; i++) {
    done = set_string(context, "lowerdir+", o->lowers[i]);
  }
  if (done && o->upper != NULL) {
    done = set_string(context, "upperdir", o->upper) && set_string(context, "workdir", o->work);
  }
  if (done && o->label[0] != 0) {
    done = set_string(context, "context", o->label);
  }
  return done && sys_fsconfig(context, LS_FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0;
}

static int mount_new(const struct overlay *o, int *descriptor, struct overlay_failure *f) {
  f->text[0] = 0;
  int context = sys_fsopen("overlay", LS_FSOPEN_CLOEXEC);
  if (context < 0) {
    return failed(f, CODE_SYSTEM, errno, "fsopen overlay");
  }
  if (!configure(context, o)) {
    failed(f, CODE_SYSTEM, errno, "configure overlay");
    read_messages(context, f->text);
    close(context);
    return 0;
  }
  int mounted = sys_fsmount(context, LS_FSMOUNT_CLOEXEC, (o->flags & MOUNT_NODEV) != 0 ? LS_MOUNT_ATTR_NODEV : 0);
  int error = errno;
  close(context);
  if (mounted < 0) {
    return failed(f, CODE_SYSTEM, error, "fsmount overlay");
  }
  if (o->target == NULL) {
    *descriptor = mounted;
    return API_NEW;
  }
  int attached = sys_move_mount(mounted, "", AT_FDCWD, o->target, LS_MOVE_MOUNT_F_EMPTY_PATH);
  error = errno;
  close(mounted);
  return attached == 0 ? API_NEW : failed(f, CODE_SYSTEM, error, "attach overlay");
}

/* ---- mount(2) ---- */

struct text {
  size_t used, size; /* used goes on counting past size */
  char *bytes;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *t, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  size_t room = t->used < t->size ? t->size - t->used : 0;
  int length = vsnprintf(room > 0 ? t->bytes + t->used : NULL, room, format, arguments);
  va_end(arguments);
  t->used += length > 0 ? (size_t)length : 0;
}

static int mount_classic(const struct overlay *o, struct overlay_failure *f) {
  static char data[65536];
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  struct text t = {0, page < sizeof data ? page : sizeof data, data};
  f->text[0] = 0;
  add(&t, "%s%s", (o->flags & MOUNT_INDEX_OFF) != 0 ? "index=off," : "",
      (o->flags & MOUNT_USERXATTR) != 0 ? "userxattr," : "");
  add(&t, "lowerdir=");
  for (unsigned i = 0; i < o->lower_count; i++) {
    add(&t, "%s%s", i > 0 ? ":" : "", o->lowers[i]);
  }
  if (o->upper != NULL) {
    add(&t, ",upperdir=%s,workdir=%s", o->upper, o->work);
  }
  add(&t, "%s%s", (o->flags & MOUNT_REDIRECT_NOFOLLOW) != 0 ? ",redirect_dir=nofollow" : "",
      (o->flags & MOUNT_METACOPY_OFF) != 0 ? ",metacopy=off" : "");
  if (o->label[0] != 0) {
    add(&t, ",context=\"%s\"", o->label);
  }
  if (t.used >= t.size) {
    snprintf(f->text, sizeof f->text, "%zu bytes of mount options, the kernel takes %zu", t.used, t.size - 1);
    return failed(f, CODE_TOO_LONG, E2BIG, "mount overlay");
  }
  unsigned long flags = (o->flags & MOUNT_NODEV) != 0 ? MS_NODEV : 0;
  if (mount(source_of(o), o->target, "overlay", flags, data) != 0) {
    return failed(f, CODE_SYSTEM, errno, "mount overlay");
  }
  return API_CLASSIC;
}

int mount_overlay(const struct overlay *o, int *descriptor, struct overlay_failure *f) {
  /* Whether the new calls have worked once; then their failure means what it says. */
  static bool proved;
  static bool missing;
  *descriptor = -1;
  if ((o->flags & MOUNT_FORCE_CLASSIC) == 0 && (!missing || (o->flags & MOUNT_FORCE_NEW) != 0)) {
    int api = mount_new(o, descriptor, f);
    proved = proved || api != 0;
    if (api != 0 || proved || o->target == NULL || (o->flags & MOUNT_FORCE_NEW) != 0) {
      return api;
    }
  }
  if (o->target == NULL) {
    return failed(f, CODE_SYSTEM, ENOSYS, "fsmount overlay");
  }
  int api = mount_classic(o, f);
  missing = missing || (api != 0 && (o->flags & MOUNT_FORCE_CLASSIC) == 0);
  return api;
}
