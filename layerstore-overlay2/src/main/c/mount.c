/*
 * mount: mounts and unmounts layers, for as long as the store is open.
 *
 * Stays in the caller's mount namespace, so that the mounts can be seen by whoever uses the layer, and keeps every capability it has: overlayfs works
 * with the rights of the process that mounted it, whoever uses the mount. In return it reads no image content, and builds every path itself from
 * ids and link names of a fixed grammar, relative to home.
 *
 * Several processes can use one mount. Each of them has the directory of the layer locked, shared; who mounts or unmounts locks it alone for that
 * moment. The kernel takes such a lock back with its process. So the last one undoes a mount, whoever is killed when, and nobody one that another uses.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "calls.h"
#include "held.h"
#include "modes.h"
#include "mountinfo.h"
#include "overlay.h"
#include "process.h"
#include "wire.h"

enum { LINK_LENGTH = 26, LOWER_SIZE = 2 + LINK_LENGTH + 1, PATH_SIZE = ID_SIZE + 64, LABEL_SIZE = 256 };

/* For the end of an overlay that nobody uses; seen were 40 ms with namespaces that end all the time. */
enum { PATIENCE_MILLIS = 1000 };

struct mounted {
  char id[ID_SIZE];
  int claim;        /* the directory of what is used, locked */
  bool is_passing;  /* used, and to be undone at the end by the last one who does */
  struct life life; /* of what is no longer in sight */
  struct mounted *next;
};

static struct {
  const struct start *start;
  int home;
  struct mounted *used;
  struct mounted *held; /* what was taken out of sight and had not ended when it was last looked at */
} m;

/* A request as decoded. */
struct mount_request {
  uint32_t flags;
  char id[ID_SIZE], label[LABEL_SIZE];
  unsigned count;
  char lowers[MAX_LOWERS][LOWER_SIZE];
};

/* [A-Z2-7]{26}, written as l/LINK. */
static bool take_lower(struct cursor *c, char lower[LOWER_SIZE]) {
  struct bytes b = take_bytes(c);
  if (b.length != LINK_LENGTH) {
    return false;
  }
  for (size_t i = 0; i < b.length; i++) {
    if (!((b.at[i] >= 'A' && b.at[i] <= 'Z') || (b.at[i] >= '2' && b.at[i] <= '7'))) {
      return false;
    }
  }
  snprintf(lower, LOWER_SIZE, "l/%.26s", (const char *)b.at);
  return true;
}

/* Printable and without what would end the quotes it stands in. */
static bool take_label(struct cursor *c, char label[LABEL_SIZE]) {
  struct bytes b = take_bytes(c);
  if (b.length >= LABEL_SIZE) {
    return false;
  }
  for (size_t i = 0; i < b.length; i++) {
    if (b.at[i] <= ' ' || b.at[i] > '~' || b.at[i] == '"' || b.at[i] == '\\') {
      return false;
    }
  }
  memcpy(label, b.at, b.length);
  label[b.length] = 0;
  return true;
}

static bool decode_mount(struct cursor *c, struct mount_request *r) {
  r->flags = take_u32(c);
  bool valid = take_id(c, r->id) && take_label(c, r->label);
  r->count = take_u16(c);
  valid = valid && r->count <= MAX_LOWERS - 1;
  for (unsigned i = 0; valid && i < r->count; i++) {
    valid = take_lower(c, r->lowers[i]);
  }
  return valid && taken(c) && (r->count > 0 || (r->flags & MOUNT_READ_ONLY) != 0);
}

static void report_on(const char *path, const char *stage, uint16_t code, int error, const char *text) {
  report(code, error, stage, path, strlen(path), text);
}

/* ---- checks on the disk ---- */

static bool is_directory(const char *path) {
  struct stat st;
  if (fstatat(m.home, path, &st, AT_SYMLINK_NOFOLLOW) != 0) {
    return false;
  }
  errno = ENOTDIR;
  return S_ISDIR(st.st_mode);
}

/*
 * Whether neither the layer nor what is in it is a link. Two looks; one openat2 that follows no links, and a close, take twice the time, and there is one for
 * each of up to 500 layers. It would not be safer: the kernel goes along the path once more when it mounts.
 */
static bool is_layer_directory(const char *id, const char *name, char path[PATH_SIZE]) {
  snprintf(path, PATH_SIZE, "%s/%s", id, name);
  return is_directory(id) && is_directory(path);
}

static bool leads_to_layer(const char *lower, char path[PATH_SIZE]) {
  char text[PATH_SIZE];
  ssize_t length = readlinkat(m.home, lower, text, sizeof text);
  if (length < 0) {
    return false;
  }
  static const char prefix[] = "../", suffix[] = "/diff";
  size_t around = strlen(prefix) + strlen(suffix);
  errno = EINVAL;
  if ((size_t)length <= around || (size_t)length == sizeof text || memcmp(text, prefix, strlen(prefix)) != 0 ||
      memcmp(text + (size_t)length - strlen(suffix), suffix, strlen(suffix)) != 0) {
    return false;
  }
  text[(size_t)length - strlen(suffix)] = 0;
  const char *id = text + strlen(prefix);
  return is_safe_id(id) && is_layer_directory(id, "diff", path);
}

/* The directories that names in l/ were found to lead to, each where its name falls; what does not fit is looked at again. */
static struct known_lower {
  char lower[LOWER_SIZE];
  dev_t device;
  ino_t inode;
  struct timespec changed;
} known_lowers[1024];

static struct known_lower *known_lower(const char *lower) {
  size_t hash = 0;
  for (const char *c = lower; *c != 0; c++) {
    hash = hash * 31 + (uint8_t)*c;
  }
  return &known_lowers[hash % (sizeof known_lowers / sizeof known_lowers[0])];
}

/*
 * A link in l/ must lead to the diff directory of a layer of this home, and nowhere else. If it leads to the same directory as when all of that was
 * looked at, one look is enough: a mount can have hundreds of layers below.
 */
static bool is_sound_lower(const char *lower) {
  struct stat st;
  char path[PATH_SIZE];
  if (fstatat(m.home, lower, &st, 0) != 0) {
    return false;
  }
  struct known_lower *known = known_lower(lower);
  if (known->inode == st.st_ino && known->device == st.st_dev && known->changed.tv_sec == st.st_ctim.tv_sec &&
      known->changed.tv_nsec == st.st_ctim.tv_nsec && strcmp(known->lower, lower) == 0) {
    return true;
  }
  known->inode = 0;
  if (!leads_to_layer(lower, path) || fstatat(m.home, path, &st, AT_SYMLINK_NOFOLLOW) != 0) {
    return false;
  }
  strcpy(known->lower, lower);
  known->device = st.st_dev;
  known->inode = st.st_ino;
  known->changed = st.st_ctim;
  return true;
}

/* An overlay has a device of its own, where the kernel does not tell more. */
static bool is_mount_point(const char *path) {
  struct statx st;
  struct stat home;
  if (statx(m.home, path, AT_SYMLINK_NOFOLLOW, 0, &st) != 0) {
    return false;
  }
  if ((st.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0) {
    return (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  }
  return fstat(m.home, &home) == 0 && home.st_dev != makedev(st.stx_dev_major, st.stx_dev_minor);
}

/* ---- mount points ---- */

/*
 * Makes the mount point. In a user namespace the mount can be seen from outside only through /proc/<pid>/root; whoever takes the host's path
 * by mistake shall meet a closed door, not an empty directory.
 */
static bool make_target(const char *target, bool *made) {
  mode_t mode = (m.start->flags & START_USER_NAMESPACE) != 0 ? 0 : 0700;
  *made = mkdirat(m.home, target, mode) == 0;
  if (!*made && (errno != EEXIST || !is_directory(target) || fchmodat(m.home, target, mode, 0) != 0)) {
    return false;
  }
  return (m.start->root_uid == 0 && m.start->root_gid == 0) ||
         fchownat(m.home, target, m.start->root_uid, m.start->root_gid, AT_SYMLINK_NOFOLLOW) == 0;
}

static struct mounted *find_mounted(struct mounted *list, const char *id) {
  while (list != NULL && strcmp(list->id, id) != 0) {
    list = list->next;
  }
  return list;
}

static struct mounted *remember_mounted(struct mounted **list, const char *id) {
  struct mounted *entry = find_mounted(*list, id);
  if (entry == NULL && (entry = malloc(sizeof *entry)) != NULL) {
    strcpy(entry->id, id);
    entry->claim = -1;
    entry->is_passing = false;
    entry->next = *list;
    *list = entry;
  }
  return entry;
}

static void forget_mounted(struct mounted **list, const char *id) {
  for (struct mounted **at = list; *at != NULL; at = &(*at)->next) {
    if (strcmp((*at)->id, id) == 0) {
      struct mounted *gone = *at;
      *at = gone->next;
      if (gone->claim >= 0) {
        close(gone->claim);
      }
      free(gone);
      return;
    }
  }
}

/* ---- who uses a mount ---- */

enum claim { CLAIM_NONE, CLAIM_SHARED, CLAIM_ALONE };

static int open_claim(const char *id) { return openat(m.home, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }

static bool is_alone(int claim) { return flock(claim, LOCK_EX | LOCK_NB) == 0; }

/* Alone if nobody uses the mount, else with those who do. Whoever mounts or unmounts just now is waited for. */
static enum claim lock_claim(int claim) {
  int64_t until = clock_millis() + 2 * PATIENCE_MILLIS;
  while (true) {
    if (is_alone(claim)) {
      return CLAIM_ALONE;
    }
    if (flock(claim, LOCK_SH | LOCK_NB) == 0) {
      return CLAIM_SHARED;
    }
    if (errno != EWOULDBLOCK || clock_millis() >= until) {
      return CLAIM_NONE;
    }
    poll(NULL, 0, 1);
  }
}

/* Takes note that this process uses, or is about to use, the mount of a layer. Null, and an answer, if that cannot be. */
static struct mounted *take_claim(const char *id, const char *target, enum claim *how) {
  struct mounted *entry = remember_mounted(&m.used, id);
  if (entry != NULL && entry->claim < 0) {
    entry->claim = open_claim(id);
  }
  *how = entry == NULL || entry->claim < 0 ? CLAIM_NONE : lock_claim(entry->claim);
  if (*how != CLAIM_NONE) {
    return entry;
  }
  int error = entry == NULL ? ENOMEM : errno;
  forget_mounted(&m.used, id);
  report_on(target, "lock layer", error == EWOULDBLOCK ? CODE_HELD : CODE_SYSTEM, error, "");
  return NULL;
}

/* Lets others use it too, or goes on to do so. */
static void share_claim(const struct mounted *entry) {
  while (flock(entry->claim, LOCK_SH) != 0 && errno == EINTR) {
  }
}

/* Where an ordinary user's process mounts, nobody else sees it, and nobody else can undo it. */
static bool is_private(void) { return (m.start->flags & START_USER_NAMESPACE) != 0; }

/* ---- what is mounted already ---- */

static bool ends_with_diff_of(const char *path, size_t length, const char *id) {
  char end[PATH_SIZE];
  size_t size = (size_t)snprintf(end, sizeof end, "%s/diff", id);
  return length >= size && memcmp(path + length - size, end, size) == 0 &&
         (length == size || path[length - size - 1] == '/');
}

/*
 * Whether the options of an overlay, as the kernel shows them, are those of the layer: its directory is the upper one, or, for one who only wants to
 * look, the topmost of the lower ones.
 */
static bool are_options_of(const char *options, const struct mount_request *r) {
  bool is_first_lower = true, is_upper = false, is_top = false;
  for (const char *at = options; *at != 0 && *at != '\n';) {
    size_t length = strcspn(at, ",\n");
    const char *equals = memchr(at, '=', length);
    const char *value = equals == NULL ? at + length : equals + 1;
    size_t size = length - (size_t)(value - at);
    if (strncmp(at, "upperdir=", 9) == 0) {
      is_upper = ends_with_diff_of(value, size, r->id);
    } else if (is_first_lower && strncmp(at, "lowerdir", 8) == 0 && equals != NULL) {
      const char *colon = memchr(value, ':', size);
      is_top = ends_with_diff_of(value, colon == NULL ? size : (size_t)(colon - value), r->id);
      is_first_lower = false;
    }
    at += length + (at[length] == ',');
  }
  return is_upper || (is_top && (r->flags & MOUNT_READ_ONLY) != 0);
}

struct present {
  bool is_of_layer; /* an overlay of the layer, whole */
  bool is_of_store; /* made by a store, for as long as its users live */
  bool has_label;
};

/* What is mounted at the place of a layer, as the kernel tells: a path says nothing. */
static struct present look_at(const struct mount_request *r) {
  struct present present = {false, false, false};
  char point[PATH_MAX + PATH_SIZE];
  ssize_t length = readlink("/proc/self/cwd", point, PATH_MAX - 1);
  FILE *file = length < 0 ? NULL : fopen("/proc/self/mountinfo", "re");
  if (file == NULL) {
    return present;
  }
  snprintf(point + length, sizeof point - (size_t)length, "/%s/merged", r->id);
  char *line = NULL;
  size_t size = 0;
  while (getline(&line, &size, file) > 0) {
    struct mount_line l;
    if (parse_mount_line(line, &l) && strcmp(l.point, point) == 0) { /* Of several the last is on top. */
      present.is_of_layer = l.is_whole && l.type_length == strlen("overlay") &&
                            strncmp(l.type, "overlay", l.type_length) == 0 && are_options_of(l.options, r);
      present.is_of_store =
          l.source_length == strlen(SOURCE_OF_STORE) && strncmp(l.source, SOURCE_OF_STORE, l.source_length) == 0;
      present.has_label = r->label[0] == 0 || strstr(l.options, r->label) != NULL;
    }
  }
  free(line);
  fclose(file);
  return present;
}

/* ---- overlays that outlive their mounts ---- */

/* The Java side says who uses a device. */
static void report_use(const char *target, const char *stage, uint16_t code, const struct life *life) {
  char text[32] = "";
  if (life != NULL) {
    snprintf(text, sizeof text, "device %llu", (unsigned long long)life->device);
  }
  report_on(target, stage, code, EBUSY, text);
}

/* Keeps <id>/merged as a sign for the next helper that there may be an overlay of the layer without a mount. */
static void keep_held(const char *id, const char *target, const struct life *life) {
  struct mounted *entry = remember_mounted(&m.held, id);
  if (entry != NULL) {
    entry->life = *life;
  }
  mkdirat(m.home, target, (m.start->flags & START_USER_NAMESPACE) != 0 ? 0 : 0700);
}

/* Whether an overlay of the layer, which is not mounted now, is still in use; then says so. */
static bool is_held(const char *id, const char *target, const char *stage) {
  const struct mounted *entry = find_mounted(m.held, id);
  if (entry != NULL) {
    struct life life = entry->life;
    if (!has_ended(&life) && is_used(&life, id)) {
      report_use(target, stage, CODE_HELD, &life);
      return true;
    }
    forget_mounted(&m.held, id);
  }
  char path[PATH_SIZE];
  if (is_directory(target) && is_layer_directory(id, "work", path) && is_upper_in_use(id)) {
    report_use(target, stage, CODE_HELD, NULL);
    return true;
  }
  return false;
}

/* Checks what is to be mounted; false and an answer if it cannot be. */
static bool check_mount(const struct mount_request *r, const char *diff, const char *work) {
  char path[PATH_SIZE];
  if (!is_layer_directory(r->id, "diff", path)) {
    report_on(diff, "look at layer", CODE_SYSTEM, errno, "");
    return false;
  }
  if ((r->flags & MOUNT_READ_ONLY) == 0 && !is_layer_directory(r->id, "work", path)) {
    report_on(work, "look at layer", CODE_SYSTEM, errno, "");
    return false;
  }
  for (unsigned i = 0; i < r->count; i++) {
    if (!is_sound_lower(r->lowers[i])) {
      report_on(r->lowers[i], "look at lower layer", CODE_SYSTEM, errno, "");
      return false;
    }
  }
  return true;
}

/* A read-only view of a layer with nothing below it, attached nowhere. An overlay would need a second, empty directory. */
static void mount_alone(uint32_t sequence, const char *diff, const char *target) {
  int tree = sys_open_tree(m.home, diff, LS_OPEN_TREE_CLONE | LS_OPEN_TREE_CLOEXEC);
  if (tree < 0 || sys_mount_setattr(tree, LS_MOUNT_ATTR_RDONLY | LS_MOUNT_ATTR_NODEV) != 0) {
    int error = errno;
    if (tree >= 0) {
      close(tree);
    }
    report_on(target, "mount read-only", CODE_SYSTEM, error, error == ENOSYS ? "this needs Linux 5.12 or later" : "");
    return;
  }
  put_frame(OP_MOUNTED, sequence);
  put_u8(API_NEW);
  put_u32((uint32_t)tree);
  put_end();
}

/* ---- to undo a mount ---- */

/*
 * What is left to do when the layer is mounted here no more: to find out whether its overlay has ended. Copies of the mount in other namespaces go
 * with the mount point. Gives false, and has mounted it again if that can be, if somebody else uses it and `may_live` is not set.
 */
static bool finish_unmount(const char *id, const char *target, struct life *life, bool may_live, int64_t patience) {
  bool gone = false, used = !has_ended(life) && is_used(life, id);
  if (used && !may_live) {
    if (bring_back(life, target)) {
      return false;
    }
    used = is_used(life, id); /* Who used it may be gone. */
  }
  if (!used) {
    unlinkat(m.home, target, AT_REMOVEDIR); /* If that fails it is made again, or removed with the layer. */
    gone = wait_for_end(life, patience) || life->watch < 0;
  }
  if (!gone) {
    keep_held(id, target, life);
  }
  return gone || may_live;
}

/*
 * Undoes the mount of a layer that nobody but this process uses; one that is not there is undone. False, and an answer, if that cannot be now.
 */
static bool undo_mount(const char *id, const char *target, bool lazy) {
  struct life life = watch_life(target);
  if (umount2(target, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0) {
    bool done = finish_unmount(id, target, &life, lazy, clock_millis() + PATIENCE_MILLIS);
    if (!done) {
      report_use(target, "unmount", CODE_HELD, &life);
    }
    return done;
  }
  if (errno != EINVAL && errno != ENOENT) {
    report_on(target, "unmount", errno == EBUSY ? CODE_BUSY : CODE_SYSTEM, errno, "");
    return false;
  }
  if (!lazy && is_held(id, target, "unmount")) {
    return false;
  }
  unlinkat(m.home, target, AT_REMOVEDIR);
  return true;
}

/* An ordinary user's mount of a layer that others look at, each in a namespace of its own: the mount point is theirs as well. */
static bool undo_private(const char *target, bool lazy) {
  if (umount2(target, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) != 0 && errno != EINVAL && errno != ENOENT) {
    report_on(target, "unmount", errno == EBUSY ? CODE_BUSY : CODE_SYSTEM, errno, "");
    return false;
  }
  return true;
}

/* ---- mount ---- */

/* Says that the layer was mounted already, and this process uses it from now on. */
static void use_present(uint32_t sequence, struct mounted *entry, enum claim how, const struct present *present) {
  entry->is_passing = present->is_of_store;
  share_claim(entry);
  put_frame(OP_MOUNTED, sequence);
  put_u8((uint8_t)(API_FOUND | (how == CLAIM_SHARED ? API_FOUND_SHARED : 0) |
                   (present->is_of_store ? API_FOUND_OF_STORE : 0)));
  put_u32((uint32_t)-1);
  put_end();
}

/*
 * Looks whether the layer is mounted at its place. True if it is not, and this process may mount it there; else it is answered, and the process uses
 * what is there, or has let go of it.
 */
static bool is_free(uint32_t sequence, const struct mount_request *r, const char *target, struct mounted *entry,
                    enum claim how) {
  bool read_only = (r->flags & MOUNT_READ_ONLY) != 0;
  if (!is_mount_point(target)) {
    if (how == CLAIM_ALONE || (read_only && is_private())) {
      return true;
    }
    report_on(target, "mount overlay", CODE_ELSEWHERE, EBUSY, "mounted in another mount namespace");
    forget_mounted(&m.used, r->id);
    return false;
  }
  struct present present = look_at(r);
  if (present.is_of_layer && present.has_label) {
    if (how == CLAIM_SHARED || !present.is_of_store || (r->flags & MOUNT_PERSISTENT) == 0) {
      use_present(sequence, entry, how, &present);
      return false;
    }
    if (undo_mount(r->id, target, false)) { /* Left by one who was killed, and not made to stay. */
      return true;
    }
  } else {
    report_on(target, "mount overlay", CODE_BUSY, EBUSY,
              present.is_of_layer ? "mounted with another label" : "something is mounted there already");
  }
  forget_mounted(&m.used, r->id);
  return false;
}

static void mount_layer(uint32_t sequence, const struct mount_request *r) {
  char diff[PATH_SIZE], work[PATH_SIZE], target[PATH_SIZE];
  snprintf(diff, sizeof diff, "%s/diff", r->id);
  snprintf(work, sizeof work, "%s/work", r->id);
  snprintf(target, sizeof target, "%s/merged", r->id);
  bool read_only = (r->flags & MOUNT_READ_ONLY) != 0, detached = (r->flags & MOUNT_DETACHED) != 0, made = false;
  if (!check_mount(r, diff, work)) {
    return;
  }
  if (r->count == 0 && detached) {
    mount_alone(sequence, diff, target);
    return;
  }
  if (!detached && find_mounted(m.used, r->id) != NULL && is_mount_point(target)) {
    report_on(target, "mount overlay", CODE_BUSY, EBUSY, "mounted already");
    return;
  }
  enum claim how = CLAIM_NONE;
  struct mounted *entry = detached ? NULL : take_claim(r->id, target, &how);
  if (!detached && (entry == NULL || !is_free(sequence, r, target, entry, how))) {
    return;
  }
  struct overlay o = {.label = r->label, .flags = r->flags, .target = detached ? NULL : target};
  if (read_only) {
    o.lowers[o.lower_count++] = diff;
  } else {
    o.upper = diff;
    o.work = work;
  }
  for (unsigned i = 0; i < r->count; i++) {
    o.lowers[o.lower_count++] = r->lowers[i];
  }
  if (!detached && !make_target(target, &made)) {
    report_on(target, "make mount point", CODE_SYSTEM, errno, "");
    forget_mounted(&m.used, r->id);
    return;
  }
  if (!read_only && !made && is_held(r->id, target, "mount overlay")) {
    forget_mounted(&m.used, r->id);
    return;
  }
  if (r->count == 0) {
    o.lowers[o.lower_count++] = target; /* The kernel wants two, and this one is empty. */
  }
  int descriptor;
  struct overlay_failure failure;
  int api = mount_overlay(&o, &descriptor, &failure);
  if (api == 0) {
    if (made) {
      unlinkat(m.home, target, AT_REMOVEDIR);
    }
    report_on(target, failure.stage, failure.code, failure.error, failure.text);
    if (!detached) {
      forget_mounted(&m.used, r->id);
    }
    return;
  }
  if (entry != NULL) {
    entry->is_passing = (r->flags & MOUNT_PERSISTENT) == 0;
    share_claim(entry);
  }
  if (!read_only && (m.start->root_uid != 0 || m.start->root_gid != 0)) {
    /* The kernel made it; Docker gives it to the root of the map, as everything beside it. */
    snprintf(work, sizeof work, "%s/work/work", r->id);
    if (fchownat(m.home, work, m.start->root_uid, m.start->root_gid, AT_SYMLINK_NOFOLLOW) != 0) {
      fprintf(stderr, "cannot change the owner of %s: %s\n", work, strerror(errno));
    }
  }
  put_frame(OP_MOUNTED, sequence);
  put_u8((uint8_t)api);
  put_u32((uint32_t)descriptor);
  put_end();
}

/* ---- unmount ---- */

static void unmount_layer(uint32_t sequence, uint32_t flags, const char *id) {
  char target[PATH_SIZE];
  snprintf(target, sizeof target, "%s/merged", id);
  if (!is_directory(id) && errno != ENOENT) { /* A layer that is gone is not mounted. */
    report_on(id, "look at layer", CODE_SYSTEM, errno, "");
    return;
  }
  bool lazy = (flags & UNMOUNT_LAZY) != 0, leaves = (flags & UNMOUNT_LEAVE) != 0, stays = leaves, done = true;
  struct mounted *entry = find_mounted(m.used, id);
  int claim = entry != NULL ? entry->claim : open_claim(id);
  if (!leaves && (claim < 0 || is_alone(claim))) {
    done = undo_mount(id, target, lazy);
  } else if (!leaves && is_private()) {
    done = undo_private(target, lazy);
  } else {
    stays = true;
  }
  if (entry == NULL && claim >= 0) {
    close(claim);
  } else if (entry != NULL && done) {
    forget_mounted(&m.used, id);
  } else if (entry != NULL) {
    share_claim(entry);
  }
  if (done) {
    put_done(sequence, stays ? 1 : 0, 0);
  }
}

static void unmount_passing(void) {
  int64_t patience = clock_millis() + PATIENCE_MILLIS; /* For all of them. */
  for (const struct mounted *at = m.used; at != NULL; at = at->next) {
    char target[PATH_SIZE];
    snprintf(target, sizeof target, "%s/merged", at->id);
    if (at->is_passing && is_alone(at->claim)) {
      struct life life = watch_life(target);
      umount2(target, UMOUNT_NOFOLLOW | MNT_DETACH);
      finish_unmount(at->id, target, &life, true, patience);
    }
    close(at->claim);
  }
}

/* ---- list ---- */

static void list_line(uint32_t sequence, char *line, const char *home) {
  struct mount_line l;
  size_t length = strlen(home);
  if (!parse_mount_line(line, &l) || strncmp(l.point, home, length) != 0 ||
      (l.point[length] != '/' && l.point[length] != 0)) {
    return;
  }
  put_frame(OP_MOUNTPOINT, sequence);
  put_u32(l.id);
  put_u32(major(l.device));
  put_u32(minor(l.device));
  put_bytes(l.type, l.type_length);
  put_bytes(l.source, l.source_length);
  put_text(l.point[length] == 0 ? "" : l.point + length + 1);
  put_end();
}

static void list_mounts(uint32_t sequence) {
  char home[PATH_MAX];
  ssize_t length = readlink("/proc/self/cwd", home, sizeof home - 1);
  FILE *file = length < 0 ? NULL : fopen("/proc/self/mountinfo", "re");
  if (file == NULL) {
    report_on("/proc/self/mountinfo", "list mounts", CODE_SYSTEM, errno, "");
    return;
  }
  home[length] = 0;
  char *line = NULL;
  size_t size = 0;
  while (getline(&line, &size, file) > 0) {
    list_line(sequence, line, home);
  }
  free(line);
  fclose(file);
  put_done(sequence, 0, 0);
}

/* ---- the conversation ---- */

/* Descriptors of detached mounts are the only ones the Java side can know. */
static void release(uint32_t sequence, int descriptor) {
  if (descriptor <= STDERR_FILENO || descriptor == m.home || close(descriptor) != 0) {
    report_on("", "release mount", CODE_SYSTEM, EBADF, "");
    return;
  }
  put_done(sequence, 0, 0);
}

static void answer(struct frame *f) {
  static struct mount_request r;
  uint32_t flags;
  char id[ID_SIZE];
  switch (f->opcode) {
    case OP_MOUNT:
      if (!decode_mount(&f->body, &r)) {
        protocol_error(f->sequence, "MOUNT");
      }
      mount_layer(f->sequence, &r);
      return;
    case OP_UNMOUNT:
      flags = take_u32(&f->body);
      if (!take_id(&f->body, id) || !taken(&f->body)) {
        protocol_error(f->sequence, "UNMOUNT");
      }
      unmount_layer(f->sequence, flags, id);
      return;
    case OP_RELEASE:
      flags = take_u32(&f->body);
      if (!taken(&f->body)) {
        protocol_error(f->sequence, "RELEASE");
      }
      release(f->sequence, (int)flags);
      return;
    case OP_LIST:
      if (!taken(&f->body)) {
        protocol_error(f->sequence, "LIST");
      }
      list_mounts(f->sequence);
      return;
    default:
      protocol_error(f->sequence, "frame out of turn");
  }
}

int mount_mode(const struct start *start) {
  m.start = start;
  /* What an ordinary user has mounted goes with this process, also where it is killed. */
  if ((start->flags & START_USER_NAMESPACE) != 0 && unshare(CLONE_NEWNS) != 0) {
    fail("make mount namespace", "", 0);
  }
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) { /* One for each mount. */
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
  }
  m.home = open_home(start);
  if (fchdir(m.home) != 0) {
    fail("enter driver home", start->home, strlen(start->home));
  }
  say_hello(0);
  struct frame f;
  while (wire_next(&f)) {
    current_sequence = f.sequence;
    answer(&f);
  }
  unmount_passing();
  return EXIT_DONE;
}
