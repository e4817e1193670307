/* The decoders of single bodies, and the parser of mountinfo. */
#include <stdlib.h>
#include <string.h>

#include "../main/c/mount.c"
#include "../main/c/process.c"
#include "apply.h"
#include "walk.h"
#include "xattr_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

_Noreturn void quit(int status) { exit(status); }

static void decode_attribute(struct bytes name) {
  char stored[XATTR_NAME_SIZE], back[XATTR_NAME_SIZE];
  if (!is_xattr_name(name) || !stored_xattr_name(name, stored)) {
    return;
  }
  if (is_label(stored)) {
    return; /* Of this machine as well, and so not told from the machine's own. */
  }
  /* What is stored comes back under its own name, whichever attributes are overlay's own. */
  const char *shown = true_xattr_name(stored, overlay_trusted, back);
  if (shown == NULL || strlen(shown) != name.length || memcmp(shown, name.at, name.length) != 0) {
    abort();
  }
}

static void decode_line(const uint8_t *data, size_t size) {
  char *line = malloc(size + 1);
  if (line == NULL) {
    return;
  }
  memcpy(line, data, size);
  line[size] = 0;
  int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  wire_open(-1, nowhere);
  list_line(1, line, "/home");
  wire_flush();
  close(nowhere);
  free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static struct mount_request mount_request;
  static struct start start;
  struct entry entry;
  uint8_t mode;
  if (size == 0) {
    return 0;
  }
  struct cursor body = {data + 1, data + size, false};
  switch (data[0] % 5) {
    case 0:
      decode_entry(&body, &entry);
      break;
    case 1:
      if (decode_mount(&body, &mount_request) && !is_safe_id(mount_request.id)) {
        abort();
      }
      break;
    case 2:
      decode_fork(&body, &mode, &start);
      break;
    case 3:
      decode_attribute(take_rest(&body));
      break;
    default:
      decode_line(data + 1, size - 1);
  }
  return 0;
}
