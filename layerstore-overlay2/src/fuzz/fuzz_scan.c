/* Whole conversations of the mode scan, about a small tree with links that lead everywhere. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox.h"
#include "scan.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc;
  (void)argv;
  make_sandbox();
  return 0;
}

static void plant(int root) {
  int file = openat(root, "f", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0 || write(file, "content", 7) != 7 || mkdirat(root, "d", 0755) != 0 ||
      linkat(root, "f", root, "d/h", 0) != 0 || symlinkat("/d", root, "a") != 0 ||
      symlinkat("../canary", root, "o") != 0 || symlinkat("../..", root, "d/u") != 0 ||
      symlinkat("l", root, "l") != 0 || mknodat(root, "p", S_IFIFO | 0644, 0) != 0) {
    abort();
  }
  close(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int root = make_tree();
  plant(root);
  converse(scan_conversation, root, data, size);
  check_sandbox();
  return 0;
}
