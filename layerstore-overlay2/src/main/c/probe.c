/*
 * probe: finds out by trying what overlay mounts need, in a mount namespace of its own and in a directory that is removed at the end. Each answer goes
 * out with what was tried and what came of it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "calls.h"
#include "modes.h"
#include "overlay.h"
#include "process.h"
#include "tree.h"
#include "wire.h"

enum { NAME_SIZE = 64, EVIDENCE_SIZE = 1024 };

static struct {
  uint32_t sequence;
  bool trusted, user; /* where overlay's own attributes can be kept */
  uint32_t options;   /* MOUNT_ flags that the kernel knows */
} p;

__attribute__((format(printf, 3, 4))) static void answer(const char *name, int state, const char *format, ...) {
  char evidence[EVIDENCE_SIZE];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(evidence, sizeof evidence, format, arguments);
  va_end(arguments);
  put_frame(OP_FEATURE, p.sequence);
  put_text(name);
  put_u8((uint8_t)state);
  put_text(evidence);
  put_end();
}

/* Answers with yes if `result` is 0, else with no and errno. */
static bool answer_call(const char *name, int result, const char *tried) {
  int error = errno;
  answer(name, result == 0 ? STATE_YES : STATE_NO, "%s: %s", tried, result == 0 ? "ok" : strerror(error));
  return result == 0;
}

/* ---- the file system ---- */

static const char *file_system_name(uint32_t magic) {
  static const struct {
    uint32_t magic;
    const char *name;
  } known[] = {
      {0xEF53, "extfs"},        {0x58465342, "xfs"},       {0x9123683E, "btrfs"}, {0x01021994, "tmpfs"},
      {0x2FC12FC1, "zfs"},      {0x794C7630, "overlayfs"}, {0x6969, "nfs"},       {0xF2F52010, "f2fs"},
      {0xCA451A4E, "bcachefs"}, {0x65735546, "fuse"},      {0x01021997, "9p"},    {0x4D44, "vfat"},
      {0x2011BAB0, "exfat"},    {0x858458F6, "ramfs"},     {0x61756673, "aufs"},  {0xFF534D42, "cifs"},
  };
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (known[i].magic == magic) {
      return known[i].name;
    }
  }
  return "<unknown>";
}

static void probe_file_system(int home) {
  struct statfs fs;
  if (fstatfs(home, &fs) == 0) {
    answer("backing file system", STATE_YES, "%s", file_system_name((uint32_t)fs.f_type));
  } else {
    answer("backing file system", STATE_UNKNOWN, "statfs: %s", strerror(errno));
  }
}

static void probe_types(void) {
  _Alignas(struct dirent_record) char batch[4096];
  int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ssize_t got = fd < 0 ? -1 : sys_getdents(fd, batch, sizeof batch);
  bool known = got > 0;
  for (ssize_t at = 0; at < got;) {
    const struct dirent_record *record = (const struct dirent_record *)(batch + at);
    known = known && record->type != DT_UNKNOWN;
    at += record->length;
  }
  answer("d_type", known ? STATE_YES : STATE_NO, "%s",
         known ? "listing a directory tells types"
               : "listing a directory does not tell types; xfs needs ftype=1, ext4 the feature filetype");
  if (fd >= 0) {
    close(fd);
  }
}

static void probe_special_files(void) {
  p.trusted = answer_call("trusted.overlay.*", lsetxattr("scratch", "trusted.overlay.test", "y", 1, 0), "setxattr");
  p.user = lsetxattr("scratch", "user.overlay.test", "y", 1, 0) == 0;
  answer_call("whiteout", mknod("scratch/whiteout", S_IFCHR, makedev(0, 0)), "mknod c 0 0");
  answer_call("device nodes", mknod("scratch/device", S_IFCHR | 0600, makedev(1, 3)), "mknod c 1 3");
}

/* ---- mounts ---- */

static int try_mount(const char *upper, const char *work, uint32_t flags, struct overlay_failure *failure) {
  struct overlay o = {.lowers = {"lower2", "lower1"},
                      .lower_count = 2,
                      .upper = upper,
                      .work = work,
                      .target = "merged",
                      .label = "",
                      .flags = flags};
  int descriptor;
  return mount_overlay(&o, &descriptor, failure);
}

/* Tries a mount and undoes it. */
static bool probe_mount(const char *name, uint32_t flags, const char *tried) {
  struct overlay_failure failure;
  bool works = try_mount("upper", "work", flags, &failure) != 0;
  if (works) {
    umount2("merged", MNT_DETACH);
    answer(name, STATE_YES, "%s: ok", tried);
  } else {
    answer(name, STATE_NO, "%s: %s: %s%s%s", tried, failure.stage, strerror(failure.error),
           failure.text[0] == 0 ? "" : ": ", failure.text);
  }
  return works;
}

static void probe_option(const char *name, uint32_t flag, uint32_t base) {
  if (probe_mount(name, base | flag | MOUNT_FORCE_CLASSIC, "mount with this option")) {
    p.options |= flag;
  }
}

static bool has_mark(const char *path, const char *mark) {
  char name[NAME_SIZE], value[8];
  snprintf(name, sizeof name, "%s.overlay.%s", p.trusted ? "trusted" : "user", mark);
  return lgetxattr(path, name, value, sizeof value) >= 0;
}

static bool make_file(const char *path) {
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  bool done = fd >= 0 && write(fd, "content", 7) == 7;
  if (fd >= 0) {
    close(fd);
  }
  return done;
}

/*
 * Whether the upper directory of a mount with our options is all there is to a layer: that a copied-up directory does not become opaque for
 * no reason (a bug of some kernels), and that a renamed one does not become a reference to its old name.
 */
static void probe_native_diff(uint32_t base) {
  char opaque[NAME_SIZE];
  struct overlay_failure failure;
  snprintf(opaque, sizeof opaque, "%s.overlay.opaque", p.trusted ? "trusted" : "user");
  bool prepared = mkdir("lower1/d", 0755) == 0 && mkdir("lower1/d1", 0755) == 0 && mkdir("lower2/d", 0755) == 0 &&
                  make_file("lower1/file") && lsetxattr("lower2/d", opaque, "y", 1, 0) == 0;
  if (!prepared || try_mount("upper2", "work2", base | p.options, &failure) == 0) {
    answer("native diff", STATE_NO, "cannot try: %s", prepared ? strerror(failure.error) : strerror(errno));
    answer("metacopy in use", STATE_UNKNOWN, "cannot try");
    return;
  }
  bool copied_up = make_file("merged/d/f");
  int renamed = rename("merged/d1", "merged/d2");
  int rename_error = errno;
  bool changed = chmod("merged/file", 0600) == 0;
  umount2("merged", MNT_DETACH);
  if (!copied_up) {
    answer("native diff", STATE_NO, "cannot write into an opaque directory");
  } else if (has_mark("upper2/d", "opaque")) {
    answer("native diff", STATE_NO, "a directory that is copied up becomes opaque");
  } else if (renamed == 0 && has_mark("upper2/d2", "redirect")) {
    answer("native diff", STATE_NO, "a renamed directory becomes a redirect");
  } else {
    answer("native diff", STATE_YES, "rename of a lower directory: %s",
           renamed == 0 ? "copied" : strerror(rename_error));
  }
  bool metacopy = changed && has_mark("upper2/file", "metacopy");
  answer("metacopy in use",
         !changed   ? STATE_UNKNOWN
         : metacopy ? STATE_YES
                    : STATE_NO,
         "chmod of a lower file: %s", metacopy ? "copied without content" : "copied with content");
}

static void probe_mounts(void) {
  if (p.user && probe_mount("userxattr", MOUNT_USERXATTR | MOUNT_FORCE_CLASSIC, "mount with this option")) {
    p.options |= MOUNT_USERXATTR;
  } else if (!p.user) {
    answer("userxattr", STATE_NO, "user.* attributes cannot be set");
  }
  if (p.trusted) {
    p.options &= ~(uint32_t)MOUNT_USERXATTR;
  }
  uint32_t base = p.options;
  if (!probe_mount("overlay mount", base | MOUNT_FORCE_CLASSIC, "mount of two lower layers and an upper one")) {
    return;
  }
  probe_mount("lowerdir+", base | MOUNT_FORCE_NEW, "fsopen, fsconfig, fsmount, move_mount");
  probe_option("index=off", MOUNT_INDEX_OFF, base);
  probe_option("redirect_dir=nofollow", MOUNT_REDIRECT_NOFOLLOW, base);
  probe_option("metacopy=off", MOUNT_METACOPY_OFF, base);
  probe_native_diff(base);
}

static void probe_kernel(void) {
  struct utsname name;
  if (uname(&name) == 0) {
    answer("kernel", STATE_YES, "%s %s %s", name.sysname, name.release, name.machine);
  }
  int fd = sys_openat2(AT_FDCWD, ".", O_PATH | O_DIRECTORY | O_CLOEXEC, LS_RESOLVE_BENEATH);
  answer_call("openat2", fd < 0 ? -1 : 0, "openat2");
  if (fd >= 0) {
    close(fd);
  }
}

/* ---- the conversation ---- */

static bool make_directories(void) {
  static const char *const names[] = {"lower1", "lower2", "upper", "work", "upper2", "work2", "merged", "scratch"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (mkdir(names[i], 0755) != 0) {
      return false;
    }
  }
  return true;
}

static void probe(int home) {
  uint64_t random = 0;
  char name[NAME_SIZE];
  if (getrandom(&random, sizeof random, GRND_NONBLOCK) < 0) {
    random = (uint64_t)getpid();
  }
  snprintf(name, sizeof name, "check-overlayfs-support%016llx", (unsigned long long)random);
  if (mkdirat(home, name, 0700) != 0) {
    answer("overlay mount", STATE_NO, "cannot make a directory to try it in: %s", strerror(errno));
    return;
  }
  int directory = openat(home, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (directory >= 0 && fchdir(directory) == 0 && make_directories()) {
    probe_types();
    probe_special_files();
    probe_mounts();
  } else {
    answer("overlay mount", STATE_NO, "cannot make directories to try it in: %s", strerror(errno));
  }
  struct removal result;
  if (fchdir(home) == 0) {
    remove_tree(home, name, NULL, NULL, &result);
  }
}

int probe_mode(const struct start *start) {
  /* Whatever is mounted below goes with this process. */
  bool alone = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
  int error = errno;
  int home = open_home(start);
  say_hello(0);
  struct frame f;
  while (wire_next(&f)) {
    p.sequence = current_sequence = f.sequence;
    if (f.opcode != OP_PROBE || !taken(&f.body)) {
      protocol_error(f.sequence, "PROBE");
    }
    probe_file_system(home);
    probe_kernel();
    if (alone) {
      probe(home);
    } else {
      answer("overlay mount", STATE_NO, "this process may not make a mount namespace: %s", strerror(error));
    }
    put_done(f.sequence, 0, 0);
  }
  return EXIT_DONE;
}
