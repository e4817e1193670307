/*
 * layerstore-helper: what layerstore's overlay2 driver needs from the kernel and cannot do inside the JVM.
 *
 * What it promises:
 *   - one process has one mode and serves one conversation (docs/formats/helper.md); the end of its input ends it, whatever it is doing;
 *   - it inherits no descriptor but the three standard ones, no environment and no signal state, and starts no other program; only enter, which
 *     has no conversation, becomes the program of the user whose rights it has;
 *   - whatever handles names from images (apply, scan) sees nothing but one directory and keeps only the capabilities for that;
 *   - whatever mounts (mount, probe) reads nothing from images;
 *   - it checks every number and name it is told, and answers with bounded frames.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "failure.h"
#include "modes.h"
#include "process.h"
#include "wire.h"

#ifndef HELPER_VERSION
#define HELPER_VERSION "development"
#endif

static const struct {
  const char *name;
  int (*run)(void);
} modes[] = {
    {"probe", probe_mode}, {"mount", mount_mode},   {"apply", apply_mode},
    {"scan", scan_mode},   {"remove", remove_mode}, {"sync", sync_mode},
};

_Noreturn void quit(int status) { _exit(status); }

static int usage(void) {
  fputs(
      "usage: layerstore-helper probe|mount|apply|scan|remove|sync\n"
      "       layerstore-helper enter PID directory|root HEXPATH COMMAND [ARGUMENT...]\n"
      "       layerstore-helper --version|--selftest\n"
      "Part of layerstore; speaks its protocol on standard input and output and is of no use by hand.\n",
      stderr);
  return EXIT_USAGE;
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "enter") == 0) {
    int status = enter_mode(argc, argv);
    return status < 0 ? usage() : status;
  }
  if (argc != 2) {
    return usage();
  }
  if (strcmp(argv[1], "--version") == 0) {
    printf("layerstore-helper %s protocol %d\n", HELPER_VERSION, PROTOCOL_VERSION);
    return EXIT_DONE;
  }
  if (strcmp(argv[1], "--selftest") == 0) {
    return selftest();
  }
  for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
    if (strcmp(argv[1], modes[i].name) == 0) {
      clean_process();
      wire_open(STDIN_FILENO, STDOUT_FILENO);
      int status = modes[i].run();
      wire_flush();
      return status;
    }
  }
  return usage();
}
