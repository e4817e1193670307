/*
 * layerstore-helper: what layerstore's overlay2 driver needs from the kernel and cannot do inside the JVM.
 *
 * What it promises:
 *   - a store has one process that does nothing but fork (serve.c), and one forked from it for each conversation (docs/formats/helper.md), in one
 *     mode; the end of its input ends it;
 *   - it inherits no descriptor but the three standard ones, no environment and no signal state, and starts no other program; only enter, which
 *     has no conversation, becomes the program of the user whose rights it has;
 *   - whatever handles names from images (apply, scan) sees nothing but one directory and keeps only the capabilities for that;
 *   - whatever mounts (mount, probe) reads nothing from images;
 *   - it checks every number and name it is told, and answers with bounded frames.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "modes.h"
#include "wire.h"

#ifndef HELPER_VERSION
#define HELPER_VERSION "development"
#endif

_Noreturn void quit(int status) { _exit(status); }

static int usage(void) {
  fputs(
      "usage: layerstore-helper server\n"
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
  if (strcmp(argv[1], "server") == 0) {
    return serve(argv[1]);
  }
  return usage();
}
