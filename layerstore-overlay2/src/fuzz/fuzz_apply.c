/* Whole conversations of the mode apply: frames, entries, links, replacement. */
#include "apply.h"
#include "sandbox.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc;
  (void)argv;
  make_sandbox();
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  converse(apply_conversation, make_tree(), data, size);
  check_sandbox();
  return 0;
}
