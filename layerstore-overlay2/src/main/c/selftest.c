/*
 * selftest: checks this very binary on this very machine, without a conversation and without rights. Prints a line for each check; useful in a bug
 * report.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "apply.h"
#include "calls.h"
#include "modes.h"
#include "tree.h"
#include "walk.h"
#include "wire.h"
#include "xattr_policy.h"

static int failures;

static void check(const char *what, bool holds) {
  printf("%s: %s\n", holds ? "ok" : "FAILED", what);
  failures += holds ? 0 : 1;
}

static struct bytes text(const char *s) { return (struct bytes){(const uint8_t *)s, strlen(s)}; }

/* ---- what needs no kernel ---- */

static void check_cursor(void) {
  static const uint8_t body[] = {1, 2, 0, 3, 0, 0, 0, 2, 0, 'a', 'b', 9};
  struct cursor c = {body, body + sizeof body, false};
  check("numbers are little-endian", take_u8(&c) == 1 && take_u16(&c) == 2 && take_u32(&c) == 3);
  struct bytes b = take_bytes(&c);
  check("bytes carry their length", b.length == 2 && b.at[0] == 'a');
  check("left-over bytes are noticed", !taken(&c));
  check("a short body is noticed", take_u32(&c) == 0 && c.bad && !taken(&c));
}

static void check_paths(void) {
  check("a plain path is normal", is_normal_path(text("a/b.c/..d")));
  check("the root is normal", is_normal_path(text("")));
  static const char *const others[] = {"/a", "a/", "a//b", ".", "..", "a/./b", "a/../b", "../a"};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    char what[64];
    snprintf(what, sizeof what, "\"%s\" is not normal", others[i]);
    check(what, !is_normal_path(text(others[i])));
  }
  check("NUL is not normal", !is_normal_path((struct bytes){(const uint8_t *)"a\0b", 3}));
}

static void check_xattrs(void) {
  char name[XATTR_NAME_SIZE];
  check("overlay's attributes are escaped",
        stored_xattr_name(text("trusted.overlay.opaque"), name) && strcmp(name, "trusted.overlay.overlay.opaque") == 0);
  check("escaped ones get their true name back",
        strcmp(true_xattr_name("user.overlay.overlay.x", overlay_trusted, name), "user.overlay.x") == 0);
  check("overlay's own are not shown", true_xattr_name("trusted.overlay.origin", overlay_trusted, name) == NULL);
  check("labels are stored and not shown", stored_xattr_name(text("security.selinux"), name) && is_label(name) &&
                                               true_xattr_name("security.ima", overlay_trusted, name) == NULL);
  check("the lists of NFS are dropped", !stored_xattr_name(text("system.nfs4_acl"), name));
  check("others stay as they are",
        stored_xattr_name(text("security.capability"), name) && strcmp(name, "security.capability") == 0);
}

static void check_ids(void) {
  check("a layer id is safe", is_safe_id("0123abcXYZ_.-init"));
  check("a path is no id", !is_safe_id("a/b") && !is_safe_id("..") && !is_safe_id("") && !is_safe_id("-x"));
}

/* ---- what the kernel does ---- */

static uint16_t walk(int root, const char *path, struct place *place) {
  struct walk_rules rules = {.root = root, .follow = true};
  forget(place);
  return walk_directory(place, &rules, text(path));
}

static bool make_links(int root) {
  return mkdirat(root, "d", 0755) == 0 && mkdirat(root, "d/e", 0755) == 0 && symlinkat("d/e", root, "inside") == 0 &&
         symlinkat("/d", root, "absolute") == 0 && symlinkat("../..", root, "d/outside") == 0 &&
         symlinkat("/../../d", root, "clamped") == 0 && symlinkat("loop", root, "loop") == 0;
}

static bool leads_to(int root, const char *path, const char *real) {
  static struct place place = {.fd = -1};
  uint16_t code = walk(root, path, &place);
  bool right = code == 0 && place.real_length == strlen(real) && memcmp(place.real, real, place.real_length) == 0;
  forget(&place);
  return right;
}

static bool stops_with(int root, const char *path, uint16_t code) {
  static struct place place = {.fd = -1};
  uint16_t found = walk(root, path, &place);
  forget(&place);
  return found == code;
}

static void check_walk(int root) {
  check("a link inside is followed", leads_to(root, "inside", "d/e"));
  check("an absolute link starts at the root", leads_to(root, "absolute/e", "d/e"));
  check("an absolute link stops at the root", leads_to(root, "clamped/e", "d/e"));
  check("a relative link out is a breakout", stops_with(root, "d/outside/x", CODE_BREAKOUT));
  check("a loop is noticed", stops_with(root, "loop/x", CODE_LINK_LOOP));
}

static void check_walks(void) {
  char path[] = "/tmp/layerstore-selftest-XXXXXX";
  if (mkdtemp(path) == NULL) {
    printf("skipped: no temporary directory: %s\n", strerror(errno));
    return;
  }
  int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  check("a tree can be made", root >= 0 && make_links(root));
  check_walk(root);
  no_openat2 = true;
  check_walk(root);
  no_openat2 = false;
  close(root);
  struct removal result;
  int above = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  remove_tree(above, path + strlen("/tmp/"), NULL, NULL, &result);
  check("a tree can be removed", result.error == 0 && access(path, F_OK) != 0);
  close(above);
}

static void tell(const char *what, int result) {
  printf("info: %s: %s\n", what, result >= 0 ? "yes" : strerror(errno));
  if (result > STDERR_FILENO) {
    close(result);
  }
}

static void tell_kernel(void) {
  struct utsname name;
  if (uname(&name) == 0) {
    printf("info: kernel %s %s\n", name.release, name.machine);
  }
  tell("openat2", sys_openat2(AT_FDCWD, "/", O_PATH | O_CLOEXEC, LS_RESOLVE_NO_SYMLINKS));
  tell("new mount calls", sys_fsopen("overlay", LS_FSOPEN_CLOEXEC));
  printf("info: effective capabilities %016llx\n", (unsigned long long)effective_capabilities());
  tell("user namespace", unshare(CLONE_NEWUSER | CLONE_NEWNS)); /* the last thing this process does */
}

int selftest(void) {
  check_cursor();
  check_paths();
  check_xattrs();
  check_ids();
  check_walks();
  tell_kernel();
  printf("%s\n", failures == 0 ? "passed" : "FAILED");
  return failures == 0 ? EXIT_DONE : EXIT_FAILED;
}
